"""Measures what connections without a token cost a server, and others.

    python -m benchmarks.hostile [--seconds 30] [--connections 1000] [--port N]
                                 [--bare]

For each kind of hostile connection, this shows the memory of the server at
rest, at most, and ten seconds afterwards; p99 of an authorized request, at
rest and meanwhile; how many connections came, and the server's processor time
for each.  The crowd of the last kind opens no connections, and only takes the
processor.  The server is at port 8089.  With ``--port``, connections come
through a proxy at that port.  With ``--bare``, the server is bare.py, which
shows how much of this no server could spare.
"""

import argparse
import asyncio
import contextlib
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from benchmarks.lib.processes import processor
from benchmarks.lib.table import framed

HOST = b'Host: localhost\r\n'
GET = b'GET /updates HTTP/1.1\r\n' + HOST
CHUNKED = (b'POST /items/ HTTP/1.1\r\n' + HOST + b'Content-Type: '
           b'application/json\r\nTransfer-Encoding: chunked\r\n\r\n')
#: What is sent once, what is sent again and again, and the seconds between.
KINDS = {
    'nothing': (b'', b'', 1),
    'half a head': (GET, b'x', 1),
    'pipelines': (GET.replace(b'updates', b'static/gset.js') + b'\r\n',
                  (GET + b'\r\n') * 1000, .1),
    'fields': (GET, b'a:b\r\n' * 1000, .1),
    'trailers': (CHUNKED + b'1\r\n1\r\n0\r\n', b'a:b\r\n' * 1000, .1),
    'extensions': (CHUNKED + b'1;', b'a' * 10_000, .1),
    'bodies': (CHUNKED, b'1000\r\n' + b'x' * 4096 + b'\r\n', .1),
    'upgrades': (GET + b'Connection: Upgrade\r\nUpgrade: x\r\n\r\n', b'', .1),
    'nonsense': (b'x\r\n\r\n', b'', .1),
}
#: The crowd that only takes the processor.
BUSY = 'none, but busy'
TOKEN = 'what-ann-presents'


def memory(pid):
    with open(f'/proc/{pid}/status') as status:
        for line in status:
            if line.startswith('VmRSS'):
                return int(line.split()[1]) / 1000
    return 0


async def annoy(port, kind, ending):
    """Keep one hostile connection open, or open another one.

    Return how many were opened.
    """
    first, again, pause = KINDS[kind]
    count = 0
    while time.monotonic() < ending:
        with contextlib.suppress(OSError), socket.socket() as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack('ii', 1, 0))
            loop = asyncio.get_running_loop()
            await loop.sock_connect(connection, ('127.0.0.1', port))
            count += 1
            sent = first
            while time.monotonic() < ending:
                with contextlib.suppress(BlockingIOError):
                    connection.send(sent)
                    sent = again
                await asyncio.sleep(pause)
                if not again:
                    break
        await asyncio.sleep(1)  # before it comes back
    return count


def crowd(port, kind, count, seconds):
    """Be hostile for some time; return how many connections that took."""
    ending = time.monotonic() + seconds

    async def run():
        return sum(await asyncio.gather(*[
            annoy(port, kind, ending) for _ in range(count)]))
    if kind == BUSY:
        while time.monotonic() < ending:
            pass
        return 0
    return asyncio.run(run())


class Others:
    """An authorized client, which measures its requests and the server."""

    def __init__(self, port, pid):
        self._port, self.pid = port, pid

    def look(self, seconds):
        """Return p99 of a request in ms, and the most memory in MB."""
        ending, times, most = time.monotonic() + seconds, [], 0
        while time.monotonic() < ending:
            begin = time.monotonic()
            self._ask()
            times.append(time.monotonic() - begin)
            most = max(most, memory(self.pid))
            time.sleep(.02)
        times.sort()
        return times[int(len(times) * .99)] * 1000, most

    def _ask(self):
        with socket.create_connection(
                ('127.0.0.1', self._port), 60) as connection:
            connection.sendall(
                GET + b'Connection: close\r\nAuthorization: Bearer %b\r\n\r\n'
                % TOKEN.encode())
            received = b''
            while piece := connection.recv(65536):
                received += piece
        if b' 200 ' not in received[:20]:
            raise AssertionError(f'expected an answer, got {received[:80]!r}')


def measured(others, port, kind, options):
    p99, rest = others.look(5)
    before = processor(others.pid)
    process = subprocess.Popen([
        sys.executable, '-m', 'benchmarks.hostile', '--crowd', kind,
        '--port', str(port), '--connections', str(options.connections),
        '--seconds', str(options.seconds)], stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    during, most = others.look(options.seconds - 1)
    count = int(process.communicate()[0])
    taken = processor(others.pid) - before
    time.sleep(10)
    return (kind, *[f'{number:.0f}' for number in (
        rest, most, memory(others.pid), p99, during, count)],
        f'{taken / count * 1e6:.0f}' if count else '')


@contextlib.contextmanager
def running(*command):
    """Run a server, which prints something when it is ready."""
    process = subprocess.Popen(
        [sys.executable, '-m', *command], stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextlib.contextmanager
def serving(bare):
    if bare:
        with running('benchmarks.hostile.bare', '8089') as process:
            yield process
        return
    with tempfile.TemporaryDirectory() as directory:
        tokens = pathlib.Path(directory) / 'tokens'
        tokens.write_text(f'ann {TOKEN}\n')
        tokens.chmod(0o600)
        with running('zc.generationalset', 'serve', '--port', '8089',
                     '--token-file', tokens) as process:
            yield process


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seconds', type=float, default=30)
    parser.add_argument('--connections', type=int, default=1000)
    parser.add_argument('--port', type=int, default=8089)
    parser.add_argument('--bare', action='store_true')
    kinds = [*KINDS, BUSY]
    parser.add_argument('--only', nargs='*', choices=kinds, default=kinds)
    parser.add_argument('--crowd', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crowd:
        print(crowd(options.port, options.crowd, options.connections,
                    options.seconds))
        return
    rows = [('', 'MB at rest', 'at most', 'afterwards', 'p99, ms',
             'meanwhile', 'connections', 'us each')]
    with serving(options.bare) as process:
        others = Others(options.port, process.pid)
        for kind in options.only:
            rows.append(measured(others, options.port, kind, options))
            print(*rows[-1], file=sys.stderr, flush=True)
    print('\n'.join(framed(rows)))


if __name__ == '__main__':
    main()
