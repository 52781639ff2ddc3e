"""Serves a set, and moves a subset of it to and fro.

    python -m benchmarks.copies.serving DATA.fs PORT
"""

import sys
import threading

from benchmarks.copies.items import PLACES, SHELF

from zc.generationalset.commands.databases import opened
from zc.generationalset.process.running import run
from zc.generationalset.process.sockets import listen
from zc.generationalset.server import application

#: Seconds between moves.
PAUSE = 5


def move(db, ended):
    """Move the subset from one place to the other, until the server ends."""
    there = 0
    while not ended.wait(PAUSE):
        with db.transaction() as connection:
            things = connection.root()['things']
            shelf = things[PLACES[there]][SHELF]
            there = 1 - there
            things[PLACES[there]].add(shelf)


def main():
    path, port = sys.argv[1:]
    ended = threading.Event()
    with opened(path, 4) as db:
        app = application(db, lambda root: root['things'], write=True)
        moving = threading.Thread(target=move, args=(db, ended))
        moving.start()
        try:
            run(app, listen('127.0.0.1', int(port)), lambda: None)
        finally:
            ended.set()
            moving.join()


if __name__ == '__main__':
    main()
