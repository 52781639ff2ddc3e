"""rclone, with a folder and a bucket whose service does what real ones do."""

import os
import signal
import threading
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from benchmarks.accidents.outcomes import ended, judged
from benchmarks.synchronizer.programs import Rclone

#: Objects on a page of a listing.
PAGE = 3
COUNT = 5 * PAGE
DAY = 'Mon, 30 Nov 2026 00:00:00 GMT'
REMOTE = (':s3,provider=Other,access_key_id=any,secret_access_key=any,'
          'list_version=2,no_check_bucket=true,endpoint="{}":items')


class Bucket:
    """The objects of a bucket, by name: contents, and time as sent.

    answers
        Called with the number of a page; what it returns is the status and
        the text of the answer, if it isn't None.
    stored
        Called with the contents of an object; what it returns is stored.
    replies
        Called after an object is stored, before the reply.
    """

    def __init__(self):
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.answers = lambda page: None
        self.stored = lambda content: content
        self.replies = lambda: None

    def page(self, query):
        """Return the status and the text of a page of the listing."""
        start = int(query.get('continuation-token', ['0'])[0])
        found = self.answers(start // PAGE + 1)
        if found is not None:
            return found
        names = sorted(self.objects)
        rows = ''.join(
            f'<Contents><Key>{escape(name)}</Key><ETag>{etag(content)}</ETag>'
            '<LastModified>2026-11-30T00:00:00.000Z</LastModified>'
            f'<Size>{len(content)}</Size></Contents>'
            for name in names[start:start + PAGE]
            for content in [self.objects[name][0]])
        stop = start + PAGE
        return 200, '<ListBucketResult>' + rows + (
            '<IsTruncated>true</IsTruncated><NextContinuationToken>'
            f'{stop}</NextContinuationToken>' if stop < len(names) else
            '<IsTruncated>false</IsTruncated>') + '</ListBucketResult>'


def etag(content):
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


class Server(ThreadingHTTPServer):
    def handle_error(self, *arguments):
        """Say nothing if a client has gone: it was killed."""


class Handler(BaseHTTPRequestHandler):

    protocol_version = 'HTTP/1.1'
    bucket: Bucket

    def log_message(self, *arguments):
        pass

    @property
    def name(self):
        return unquote(urlsplit(self.path).path).partition('/items')[2][1:]

    def reply(self, status, body=b'', **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_GET(self):
        if not self.name:
            query = parse_qs(urlsplit(self.path).query)
            status, text = self.bucket.page(query)
            self.reply(status, text.encode(), Content_Type='application/xml')
        elif self.name in self.bucket.objects:
            content, time = self.bucket.objects[self.name]
            self.reply(200, content, ETag=etag(content), Last_Modified=DAY,
                       x_amz_meta_mtime=time)
        else:
            self.reply(404)

    do_HEAD = do_GET

    def do_PUT(self):
        content = self.rfile.read(int(self.headers['Content-Length'] or 0))
        source = self.headers['x-amz-copy-source']
        if source:
            name = unquote(source).partition('items/')[2]
            content = self.bucket.objects[name][0]
        else:
            content = self.bucket.stored(content)
        self.bucket.objects[self.name] = (
            content, self.headers['x-amz-meta-mtime'] or '')
        self.bucket.replies()
        body = (f'<CopyObjectResult><ETag>{etag(content)}</ETag>'
                '</CopyObjectResult>' if source else '')
        self.reply(200, body.encode(), ETag=etag(content))

    def do_DELETE(self):
        self.bucket.objects.pop(self.name, None)
        self.reply(204)


class Remote(Rclone):
    """A folder, and a bucket at ``url``."""

    command = *Rclone.command, '--low-level-retries', '2', '--retries', '1'
    variables = {'AWS_CA_BUNDLE': ''}  # it can't use one

    def __init__(self, directory, url):
        super().__init__(directory, ('one',))
        self.pairs = [('one', REMOTE.format(url))]


@contextmanager
def bucket(directory):
    """Yield a bucket, and the program that keeps it equal to a folder."""
    found = Bucket()
    handler = type('Bound', (Handler,), {'bucket': found})
    with Server(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            made = Remote(
                directory, f'http://127.0.0.1:{server.server_port}')
            made.write('one', 0)
            made.run()  # with --resync; it refuses to begin with nothing
            for number in range(1, COUNT):
                made.write('one', number)
            yield found, made
        finally:
            server.shutdown()


def cut(directory):
    """Case 3."""
    answers = {
        'a page that fails': (500, ''),
        'a page without its key': (200, '<ListBucketResult/>')}
    safe, whole, did = True, True, []
    for number, (name, answer) in enumerate(answers.items()):
        (directory / str(number)).mkdir()
        with bucket(directory / str(number)) as (found, made):
            made.run()
            found.answers = lambda page, answer=answer: (
                answer if page == 3 else None)
            result = made.run()
            gone = COUNT - len(made.texts('one'))
            found.answers = lambda page: None
            made.write('one', 1, state='later')
            again = made.run()
            arrives = b'later' in found.objects['0000001.json'][0]
            safe, whole = safe and not gone, whole and arrives
            did.append(
                f'{name}: {gone} of {COUNT} deleted, {ended(result)}, then '
                + ('it goes on' if arrives
                   else f'nothing arrives: {ended(again)}'))
    return judged(safe, whole, *did)


def unanswered(directory):
    """Case 5."""
    with bucket(directory) as (found, made):
        process = made.start()
        is_killed = threading.Event()

        def kill():
            if not is_killed.is_set():
                is_killed.set()
                os.kill(process.pid, signal.SIGKILL)

        found.replies = kill
        process.wait()
        before = len(found.objects) - 1
        result = made.run()
        for lock in (directory / 'work').glob('*.lck'):
            lock.unlink()
        again = made.run()
        there = len(found.objects)
        copies = sum('..path' in name for name in found.objects)
        return judged(
            there - copies <= COUNT, not result['code'] and there == COUNT,
            f'killed before the reply to addition {before}', ended(result),
            f'without the lock, {there} of {COUNT}, of which {copies} are '
            'copies of what it takes for conflicts', ended(again))


def lossy(directory):
    """Case 8."""
    with bucket(directory) as (found, made):
        found.stored = lambda content: b'\n'.join(
            line for line in content.split(b'\n') if b'"owner"' not in line)
        first = made.run()
        before = dict(found.objects), sorted(made.texts('one'))
        result = made.run()
        after = dict(found.objects), sorted(made.texts('one'))
        lost = COUNT - sum('"owner"' in text for text in after[1])
        return judged(
            not lost, before == after and len(found.objects) == COUNT,
            f'{len(before[0])} of {COUNT} arrive', ended(first),
            'the second run writes '
            + ('nothing' if before == after else 'items'), ended(result),
            f'the field is lost in {lost} of {COUNT} items')


CASES = {3: cut, 5: unanswered, 8: lossy}
