"""Other people's HTTP clients, each behind the same two methods.

The programs are set as docs/clients.txt says, by the lines that stand there.
"""

import asyncio
import json
import re
import subprocess
import textwrap
from contextlib import closing
from typing import NamedTuple

from zc.generationalset.tests.support.places import CHECKOUT, JAVA

#: Seconds after which a request of a program has failed.
PATIENCE = '60'


class Reply(NamedTuple):

    status: int
    headers: dict
    text: str

    def json(self):
        return json.loads(self.text)


class Event(NamedTuple):

    id: str
    data: dict


def documented(title):
    """Return what the Python in a section of docs/clients.txt defines."""
    text = (CHECKOUT / 'docs' / 'clients.txt').read_text(encoding='utf-8')
    section = re.search(f'^{title}\n=+\n(.*?)(?=^=+\n|\\Z)', text,
                        re.MULTILINE | re.DOTALL)[1]
    block = section.partition('::\n')[2]
    names = {}
    exec(textwrap.dedent(re.search('((?:    .*\n|\n)+)', block)[1]), names)
    return names


def parsed(lines):
    """Yield the events of the lines of a stream; comments are left out."""
    event = {}
    for line in lines:
        name, _, value = line.partition(': ')
        if line and name:
            event[name] = value
        elif not line and 'id' in event:
            yield Event(event['id'], json.loads(event['data']))
            event = {}


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


class Requests:
    """requests."""

    title = 'requests'

    def __init__(self, token):
        self.session = documented(self.title)['session']
        self.session.headers['authorization'] = f'Bearer {token}'

    def request(self, method, url, body=None, headers=None):
        response = self.session.request(
            method, url, data=body, headers=headers)
        return Reply(response.status_code, lower(response.headers),
                     response.text)

    def events(self, url, headers):
        with self.session.get(url, headers=headers, stream=True,
                              timeout=(10, 60)) as response:
            yield from parsed(response.iter_lines(decode_unicode=True))

    def close(self):
        self.session.close()


class CacheControl(Requests):
    """requests with CacheControl."""

    title = 'CacheControl'


class RequestsCache(Requests):
    """requests-cache."""

    title = 'requests-cache'


class HTTPXSSE:
    """httpx with httpx-sse."""

    def __init__(self, token):
        names = documented('httpx-sse')
        self.client, self.connect = names['client'], names['connect_sse']
        self.client.headers['authorization'] = f'Bearer {token}'

    def request(self, method, url, body=None, headers=None):
        response = self.client.request(
            method, url, content=body, headers=headers)
        return Reply(response.status_code, lower(response.headers),
                     response.text)

    def events(self, url, headers):
        with self.connect(
                self.client, 'GET', url, headers=headers) as source:
            for event in source.iter_sse():
                yield Event(event.id, event.json())

    def close(self):
        self.client.close()


class HTTPX(HTTPXSSE):
    """httpx alone, with its iterator of lines."""

    def events(self, url, headers):
        with self.client.stream('GET', url, headers=headers) as response:
            yield from parsed(response.iter_lines())


class AIOHTTP:
    """aiohttp, in a loop that runs while somebody waits."""

    def __init__(self, token):
        self.loop = asyncio.new_event_loop()
        names = documented('aiohttp')
        self.session = self.loop.run_until_complete(names['make_session']())
        self.session.headers['authorization'] = f'Bearer {token}'

    def request(self, method, url, body=None, headers=None):
        return self.loop.run_until_complete(
            self._request(method, url, body, headers))

    async def _request(self, method, url, body, headers):
        async with self.session.request(
                method, url, data=body, headers=headers) as response:
            return Reply(response.status, lower(response.headers),
                         await response.text())

    def events(self, url, headers):
        yield from parsed(self._lines(url, headers))

    def _lines(self, url, headers):
        response = self.loop.run_until_complete(
            self.session.get(url, headers=headers))
        with closing(response):
            while line := self.loop.run_until_complete(
                    response.content.readline()):
                yield line.decode().rstrip('\n')

    def close(self):
        self.loop.run_until_complete(self.session.close())
        self.loop.close()


class Program:
    """A program that prints a response, and ends."""

    def __init__(self, token):
        self.token = token

    def request(self, method, url, body=None, headers=None):
        done = subprocess.run(
            self.command(method, url, body, headers or {}),
            capture_output=True, check=True)
        return self.reply(done.stdout.decode())

    def reply(self, text):
        head, _, body = text.partition('\r\n\r\n')
        if head.startswith(('HTTP/1.1 100', 'HTTP/1.1 101')):
            return self.reply(body)
        status, *lines = head.split('\r\n')
        fields = dict(line.split(': ', 1) for line in lines)
        return Reply(int(status.split()[1]), lower(fields), body)

    def events(self, url, headers):
        with subprocess.Popen(
                self.streaming(url, headers),
                stdout=subprocess.PIPE) as process:
            try:
                yield from parsed(line.decode().rstrip('\n')
                                  for line in process.stdout)
            finally:
                process.terminate()

    def close(self):
        pass


class Curl(Program):
    """curl."""

    options = ()

    def arguments(self, headers):
        headers = {'authorization': f'Bearer {self.token}', **headers}
        for name, value in headers.items():
            yield from ('--header', f'{name}: {value}')

    def command(self, method, url, body, headers):
        data = () if body is None else ('--data-binary', body)
        return ['curl', '--silent', '--show-error', '--include',
                '--compressed', '--max-time', PATIENCE, *self.options,
                '--request', method, *data, *self.arguments(headers), url]

    def streaming(self, url, headers):
        return ['curl', '--silent', '--no-buffer', *self.options,
                *self.arguments(headers), url]


class CurlHTTP2(Curl):
    """curl that offers HTTP/2."""

    options = '--http2',


class Java(Program):
    """The HttpClient of Java, in its default settings."""

    def command(self, method, url, body, headers):
        headers = {'authorization': f'Bearer {self.token}', **headers}
        return ['java', str(JAVA / 'Request.java'), method, url, body or '',
                *[f'{name}: {value}' for name, value in headers.items()]]

    def streaming(self, url, headers):
        return [*self.command('GET', url, None, headers), '--body']

    def request(self, method, url, body=None, headers=None):
        # It asks for no compression by itself.
        return super().request(method, url, body, {
            'accept-encoding': 'gzip', **(headers or {})})
