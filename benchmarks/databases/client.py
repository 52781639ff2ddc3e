"""A client, in a process of its own: one sync, and what it takes."""

import json
import resource
import socket
import sys
import time

from zc.generationalset.sql import SyncClient


class Counted(socket.socket):
    """A socket that counts bytes."""

    bytes = 0

    def sendall(self, *arguments):
        self.bytes += len(arguments[0])
        super().sendall(*arguments)

    def recv(self, *arguments):
        data = super().recv(*arguments)
        self.bytes += len(data)
        return data


def main(url, path):
    client = SyncClient(url, ['things'])
    connected = Counted(socket.AF_UNIX)
    connected.connect(path)
    start, used = time.perf_counter(), time.process_time()
    report = client.sync(connected)
    seconds = time.perf_counter() - start
    used = time.process_time() - used
    client.close()
    print(json.dumps({
        'seconds': seconds, 'processor': used, 'bytes': connected.bytes,
        'memory': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        'report': list(report)}))


if __name__ == '__main__':
    main(*sys.argv[1:])
