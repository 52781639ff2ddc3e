"""Shows a ZEO client that reads what an earlier commit has changed.

Two processes commit at the same moment, again and again.  After each commit of
its own, the first process compares what it reads with what the server has for
the same transaction.  This needs ZEO, and uvloop in the environment of the
server::

    python docs/zeo_overtaken.py [--asyncio] [ROUNDS]

It prints how often the two differed.  With ``--asyncio``, the server doesn't
use uvloop.
"""

import argparse
import logging
import multiprocessing
import socket
import subprocess
import sys
import tempfile

import transaction
import ZEO
import ZODB
from persistent.mapping import PersistentMapping
from ZODB.utils import p64, u64

SERVER = '''\
import sys
if sys.argv.pop() == 'asyncio':
    sys.modules['uvloop'] = None
from ZEO.runzeo import main
main(sys.argv[1:])
'''


def write(address, name, rounds, together, wrong):
    """Commit; then compare the other's object with the server's."""
    logging.disable(logging.ERROR)  # "new last tid must be greater ..."
    client = ZEO.client(address, wait_timeout=30)
    connection = ZODB.DB(client).open()
    root = connection.root()
    other = root['a' if name == 'b' else 'b']
    for number in range(rounds):
        together.wait()
        root[name]['number'] = number
        transaction.commit()
        other._p_activate()
        before = p64(u64(connection._storage._start))
        _, serial, _ = client._call('loadBefore', other._p_oid, before)
        if serial != other._p_serial:
            wrong.value += 1
    together.wait()
    connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('rounds', type=int, nargs='?', default=1000)
    parser.add_argument('--asyncio', action='store_true')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        with socket.create_server(('127.0.0.1', 0)) as probe:
            address = probe.getsockname()
        server = subprocess.Popen(
            [sys.executable, '-c', SERVER, '-a', '{}:{}'.format(*address),
             '-f', f'{directory}/Data.fs',
             'asyncio' if arguments.asyncio else 'uvloop'],
            stderr=subprocess.DEVNULL)
        db = ZODB.DB(ZEO.client(address, wait_timeout=30))
        with db.transaction() as connection:
            for name in 'ab':
                connection.root()[name] = PersistentMapping()
        together = multiprocessing.Barrier(2)
        wrong = multiprocessing.Value('i')
        writers = [multiprocessing.Process(target=write, args=(
            address, name, arguments.rounds, together, wrong))
            for name in 'ab']
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        db.close()
        server.terminate()
        server.wait()
    print(f'{wrong.value} of {2 * arguments.rounds} reads were older than '
          'their transaction')


if __name__ == '__main__':
    main()
