"""Proxies as docs/proxies.txt has them."""

import contextlib
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import httpx

from zc.generationalset.client import Client
from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.serving import Served, wait

ROOT = Path(__file__).parents[5]
MODULES = '/usr/lib/apache2/modules/mod_{0}.so'
PROGRAMS = {
    'Caddy': 'caddy', 'nginx': '/usr/sbin/nginx',
    'HAProxy': '/usr/sbin/haproxy', 'Apache': '/usr/sbin/apache2',
    'Varnish': '/usr/sbin/varnishd'}


def documented(title):
    """Return a configuration of docs/proxies.txt."""
    text = (ROOT / 'docs' / 'proxies.txt').read_text('utf-8')
    section = re.search(f'^{title}\n=+\n(.*?)(?=^=+\n|\\Z)', text,
                        re.MULTILINE | re.DOTALL)[1]
    block = section.rpartition('::\n')[2]
    return re.search('((?:    .*\n|\n)+)', block)[1]


class Proxies:
    """A server, and what it takes to have a proxy in front of it."""

    level = 2

    def setUp(self):
        super().setUp()
        self.directory = Path(
            self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.directory.chmod(0o755)
        self.port = free_port()
        self.server = httpx.URL(self.url).port
        self.address = f'http://127.0.0.1:{self.port}'

    def configured(self, title):
        return documented(title).replace(
            '8080', str(self.server)).replace('443', str(self.port))

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def start(self, title, *arguments):
        if shutil.which(PROGRAMS[title]) is None:
            self.skipTest(f'{title} is not on this machine')
        process = subprocess.Popen(
            [PROGRAMS[title], *arguments], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.directory)
        self.stack.callback(process.wait, 90)
        self.stack.callback(process.terminate)
        wait(self.answers)

    def answers(self):
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.address + '/updates').status_code == 200

    def test_everything(self):
        self.start_proxy()
        self.write_and_read()
        self.follow()
        self.poll()

    def write_and_read(self):
        for id in 'a%2Fb', 'c':
            address = f'{self.address}/items/{id}'
            self.assertIn(httpx.put(address, json=1).status_code, (200, 201))
            self.assertEqual(httpx.get(address).json(), 1)

    def follow(self):
        """Each event comes, while the stream stays open."""
        with Client(self.address) as client:
            threading.Timer(20, client.close)
            changes = client.watch()
            next(changes)
            for number in range(3):
                httpx.put(f'{self.url}/items/c', json={'n': number})
                self.assertEqual(
                    [change.item for change in next(changes)],
                    [{'n': number}])

    def poll(self):
        """A long poll is answered, though nothing happens."""
        asked = httpx.get(self.address + '/updates').json()
        answer = httpx.get(self.address + '/updates', params={
            'generation': asked['generation'], 'epoch': asked['epoch'],
            'wait': 60}, timeout=100)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json()['generation'], asked['generation'])


class CaddyTests(Proxies, Served):

    def start_proxy(self):
        text = self.configured('Caddy').replace(
            'sets.example.org', f'http://127.0.0.1:{self.port}')
        self.start('Caddy', 'run', '--adapter', 'caddyfile', '--config',
                   self.write('Caddyfile', '{\n admin off\n}\n' + text))


class NginxTests(Proxies, Served):

    def start_proxy(self):
        text = self.configured('nginx')
        self.start('nginx', '-g', 'daemon off;', '-c', self.write(
            'nginx.conf', 'events {} pid nginx.pid; error_log stderr;\n'
            f'http {{ access_log off;\n{text} }}'),
            '-p', str(self.directory))


class HAProxyTests(Proxies, Served):

    def start_proxy(self):
        self.start('HAProxy', '-db', '-f', self.write(
            'haproxy.cfg', self.configured('HAProxy')))


class ApacheTests(Proxies, Served):

    def start_proxy(self):
        modules = ''.join([
            f'LoadModule {name}_module {MODULES.format(name)}\n' for name in (
                'mpm_event', 'authz_core', 'proxy', 'proxy_http')])
        self.start('Apache', '-DFOREGROUND', '-f', self.write(
            'apache.conf', f'ServerRoot {self.directory}\n'
            f'ServerName localhost\nListen 127.0.0.1:{self.port}\n'
            f'PidFile {self.directory}/pid\nErrorLog {self.directory}/log\n'
            f'DefaultRuntimeDir {self.directory}\n{modules}'
            + self.configured('Apache')))


class VarnishTests(Proxies, Served):

    def start_proxy(self):
        self.start('Varnish', '-F', '-a', f'127.0.0.1:{self.port}', '-f',
                   self.write('default.vcl', self.configured('Varnish')),
                   '-n', str(self.directory / 'varnish'))
