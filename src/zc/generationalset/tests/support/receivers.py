"""A subscriber's server, which checks signatures, and may misbehave."""

import base64
import contextlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Collects what is posted; ``status`` is what it answers.

    path, status
        What it answers at paths; 204 at all others.  None stands for no
        answer, until the receiver is closed.
    """

    def __init__(self, context=None):
        self.statuses = {}
        self.headers = {}
        self.posts = []
        self.closed = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):

            def do_POST(self):
                body = self.rfile.read(int(self.headers['content-length']))
                receiver.posts.append((self.path, self.headers, body))
                status = receiver.statuses.get(self.path, 204)
                if status is None:
                    receiver.closed.wait(90)
                    return
                self.send_response(status)
                for item in receiver.headers.items():
                    self.send_header(*item)
                self.end_headers()

            def log_message(self, *arguments):
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 300
            daemon_threads = True

            def handle_error(self, request, address):
                """A pusher may leave at any time."""

        self._server = Server(('127.0.0.1', 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}'
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def at(self, path):
        """Return the generations that were posted to a path."""
        return [json.loads(body)['generation']
                for where, _, body in list(self.posts) if where == path]


def verified(secret, headers, body):
    """Return the message if its signature is right, and not old.

    This is written after https://www.standardwebhooks.com alone.
    """
    key = base64.b64decode(secret.split('_')[1])
    text = b'.'.join([headers['webhook-id'].encode(),
                      headers['webhook-timestamp'].encode(), body])
    expected = base64.b64encode(hmac.new(key, text, 'sha256').digest())
    version, signature = headers['webhook-signature'].split(',')
    if version != 'v1' or not hmac.compare_digest(
            signature.encode(), expected):
        raise ValueError('a wrong signature')
    if abs(time.time() - int(headers['webhook-timestamp'])) > 300:
        raise ValueError('an old message')
    return json.loads(body)


@contextlib.contextmanager
def pushing(pusher):
    """Run a pusher in a thread."""
    thread = threading.Thread(target=pusher.run)
    thread.start()
    try:
        yield
    finally:
        pusher.stop()
        thread.join(90)
        if thread.is_alive():
            raise AssertionError('the pusher did not end')
