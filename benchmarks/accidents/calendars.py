"""vdirsyncer, with a folder and a CalDAV server: radicale, behind what such
servers do."""

import logging
import os
import signal
import threading
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
from benchmarks.accidents.outcomes import ended, judged
from benchmarks.synchronizer.programs import Vdirsyncer
from radicale import config
from radicale.app import Application

COUNT = 10
logging.getLogger('radicale').disabled = True


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


class Calendar:
    """A WSGI application: the server, and what is between.

    stored
        Called with the text of each item; what it returns is stored.
    replies
        Called after each item that is stored, before the reply.
    """

    def __init__(self, directory):
        settings = config.load()
        settings.update({
            'auth': {'type': 'none'}, 'rights': {'type': 'authenticated'},
            'storage': {'filesystem_folder': str(directory)}}, 'here')
        self._app = Application(settings)
        self.stored = lambda text: text
        self.replies = lambda: None

    def __call__(self, environ, start_response):
        is_put = environ['REQUEST_METHOD'] == 'PUT'
        if is_put:
            body = environ['wsgi.input'].read(int(environ['CONTENT_LENGTH']))
            new = self.stored(body.decode()).encode()
            environ['wsgi.input'] = BytesIO(new)
            environ['CONTENT_LENGTH'] = str(len(new))
            if new != body:  # the ETag isn't that of what was sent (RFC 4791)
                start_response = partial(_without_etag, start_response)
        answer = list(self._app(environ, start_response))
        if is_put:
            self.replies()
        return answer


def _without_etag(start_response, status, headers, *more):
    return start_response(status, [
        (name, value) for name, value in headers if name != 'ETag'], *more)


class Served(Vdirsyncer):
    """A folder, and a calendar at ``url``."""

    def __init__(self, directory, url):
        self.url = url
        super().__init__(directory)

    def storage(self, name):
        return super().storage(name) if name == 'one' else [
            'type = "caldav"', f'url = "{self.url}"', 'username = "ann"',
            'password = "any"', 'item_types = ["VTODO"]']


@contextmanager
def calendar(directory):
    """Yield the server, and the program that keeps it equal to a folder."""
    application = Calendar(directory / 'data')
    with make_server('127.0.0.1', 0, application, Threads, Quiet) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            url = f'http://127.0.0.1:{server.server_port}/ann/tasks/'
            httpx.request('MKCALENDAR', url, auth=('ann', 'any')
                          ).raise_for_status()
            made = Served(directory, url)
            for number in range(COUNT):
                made.write('one', number)
            yield application, made
        finally:
            server.shutdown()


def items(directory):
    """Return the texts of all items of the server."""
    return [path.read_text() for path in directory.rglob('*.ics')
            if not path.is_relative_to(directory / 'one')
            and '.Radicale' not in str(path.relative_to(directory))]


def unanswered(directory):
    """Case 5."""
    with calendar(directory) as (server, made):
        process = made.start()
        told = threading.Event()

        def kill():
            if not told.is_set():
                os.kill(process.pid, signal.SIGKILL)
                told.set()

        server.replies = kill
        process.wait()
        before = len(items(directory))
        result = made.run()
        there = len(items(directory))
        return judged(
            there <= COUNT, not result['code'] and there == COUNT,
            f'killed before the reply to addition {before}',
            f'then {there} of {COUNT}',
            'what was added is in conflict' if 'changed on both sides'
            in result['output'] else '', ended(result))


def lossy(directory):
    """Case 8."""
    with calendar(directory) as (server, made):
        server.stored = lambda text: '\r\n'.join(
            line for line in text.splitlines()
            if not line.startswith('CONTACT:')) + '\r\n'
        made.run()
        before = sorted(items(directory)), sorted(made.texts('one'))
        result = made.run()
        after = sorted(items(directory)), sorted(made.texts('one'))
        lost = sum('CONTACT:' not in text for text in after[1])
        return judged(
            not lost, before == after and len(after[0]) == COUNT,
            'the second run writes ' + (
                'nothing' if before == after else 'items'),
            f'the field is lost in {lost} of {COUNT} items', ended(result))


CASES = {5: unanswered, 8: lossy}
