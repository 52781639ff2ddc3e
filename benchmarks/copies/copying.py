"""Copies a set into an SQLite file, over a network that breaks.

    python copying.py URL FILE

Prints a line when it is ready, one for the first page, and one at the end.
"""

import logging
import sys

from zc.generationalset.client import Client
from zc.generationalset.replica import SQLiteReplica


def main():
    url, path = sys.argv[1:]
    logging.disable()
    with SQLiteReplica(path) as replica, \
            Client(url, replica=replica) as client:
        print('ready', flush=True)
        first = True
        for changes in client.watch():
            if first:
                print(f'{len(changes):,} items', flush=True)
                first = False
            if replica.generation:
                print('current', flush=True)


if __name__ == '__main__':
    main()
