"""The servers of event streams that are compared."""

import shutil
from pathlib import Path

from benchmarks.lib.connection import HOST, request
from benchmarks.lib.documents import document
from benchmarks.lib.processes import Process, answers, free_port, serving
from benchmarks.lib.streams import following

NGINX = '/usr/sbin/nginx'
NCHAN = '/usr/lib/nginx/modules/ngx_nchan_module.so'
_CONFIGURATION = '''
load_module {module};
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
worker_rlimit_nofile 100000;
events {{ worker_connections 50000; }}
http {{
    access_log off;
    client_body_temp_path body;
    server {{
        listen {host}:{port} backlog=4096;
        location = /ready {{ return 200; }}
        location = /events {{
            nchan_subscriber eventsource;
            nchan_channel_id all;
        }}
        location = /write {{
            nchan_publisher;
            nchan_channel_id all;
        }}
    }}
}}
'''


class Ours:
    """This server; streams go on without ASGI."""

    title = 'this'
    arguments: tuple[str, ...] = ()

    def __init__(self, directory):
        self.process, self.port = serving(
            directory, 'benchmarks.lib.served', *self.arguments, 'data.fs')

    def stream(self):
        """Return the request for a stream of a client that has everything."""
        return following(self.port)

    def write(self, mark, text=''):
        """Return the request that sends a document, and a text, to all."""
        return request(
            'PUT', '/items/event', {**document(0, 0, mark), 'more': text})

    @classmethod
    def missing(cls):
        """Return what this machine lacks, else None."""


class Plain(Ours):
    """This server; each stream goes through ASGI."""

    title = 'this/ASGI'
    arguments = ('asgi',)


class Nchan:
    """nginx with nchan, in C; it sends the same bytes."""

    title = 'nchan'

    def __init__(self, directory):
        self.port = free_port()
        path = Path(directory, 'nginx.conf')
        path.write_text(_CONFIGURATION.format(
            module=NCHAN, host=HOST, port=self.port))
        self.process = Process(
            [NGINX, '-p', str(directory), '-c', str(path)], Path(directory))
        self.process.wait_for(
            lambda: answers(self.port, request('GET', '/ready')))

    def stream(self):
        return request('GET', '/events', headers=['Accept: text/event-stream'])

    def write(self, mark, text=''):
        """Return a request whose body is as long as an event of ours."""
        return request('POST', '/write', {
            'format': 1, 'epoch': 'e' * 22, 'since': 10000,
            'generation': 10001, 'adds': [
                ['event', {**document(0, 0, mark), 'more': text}]]})

    @classmethod
    def missing(cls):
        if not (shutil.which(NGINX) and Path(NCHAN).exists()):
            return "Debian's libnginx-mod-nchan"
        return None


SERVERS = Ours, Plain, Nchan
