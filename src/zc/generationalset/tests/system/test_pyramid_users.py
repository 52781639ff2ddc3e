"""docs/pyramid-users.txt, followed word by word."""

import subprocess
import unittest
from base64 import b64encode
from textwrap import indent as indented

import httpx

from zc.generationalset.client import Client
from zc.generationalset.tests.support.following import Following
from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.serving import wait
from zc.generationalset.tests.support.storages import stop

ADDED = 'orders[new.id] = new'
TOKEN = 'long-and-random'


def encoded(user):
    """Return a user as a ticket has it."""
    return b64encode(user.encode()).decode()


class PyramidUsersTests(Following, unittest.TestCase):

    name = 'pyramid-users'

    def setUp(self):
        super().setUp()
        self.write('shop.py', 'make.py', 'fill.py', 'asgi.py', 'list.html',
                   'renew.py')
        self.replace('shop.py', ADDED, '; '.join(
            [ADDED, self.guide.block(ADDED)]))
        self.run_command('python', 'make.py')
        self.assertEqual(
            self.run_command('python', 'fill.py'), '2 customers are live\n')

    def replace(self, name, old, new):
        path = self.directory / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def serve_more(self):
        [words] = [words for words in self.guide.commands()
                   if '--workers' in words]
        return self.start(*words, '--port', self.ports['8000'],
                          path='sync/healthz')

    def customer(self, name):
        """Return an HTTP client that is logged in."""
        http = httpx.Client(base_url=self.url, timeout=90)
        self.stack.callback(http.close)
        response = http.post(
            'login', data={'user': name, 'password': f'of-{name}'})
        self.assertEqual(response.status_code, 302)
        return http

    def log_in(self, name):
        page = self.window()
        page.get_by_text('Please log in.').wait_for()
        page.get_by_label('Name').fill(name)
        page.get_by_label('Password').fill(f'of-{name}')
        page.get_by_role('button', name='Log in').click()
        page.get_by_text('tea: new').wait_for()
        return page

    def order(self, page, text):
        page.get_by_label('Text').fill(text)
        page.get_by_role('button', name='Order', exact=True).click()

    def test_page(self):
        self.serve()
        [output] = [output for words, output in self.guide.sessions()
                    if words[0] == 'curl']
        self.assertEqual(
            httpx.get(f'{self.url}sync/updates').text, output.strip())
        ann, bob = self.log_in('ann'), self.log_in('bob')
        second = self.window(context=ann.context)
        self.order(ann, 'milk')
        second.get_by_text('milk: new').click()
        ann.get_by_text('milk: cancelled').click()
        ann.get_by_text('this order is cancelled').wait_for()
        self.order(bob, 'beer')
        bob.get_by_text('beer: new').wait_for()
        self.assertEqual(bob.get_by_text('milk').count(), 0)
        self.order(ann, 'rice')
        second.get_by_text('rice: new').wait_for()
        self.assertEqual(second.get_by_text('beer').count(), 0)

    def test_permissions_and_conditions(self):
        self.serve()
        ann, bob = self.customer('ann'), self.customer('bob')
        ann.post('order', data={'text': 'milk'})
        for path in 'sync/updates', 'sync/events', 'sync/items/o2':
            self.assertEqual(
                httpx.get(self.url + path).status_code, 401, path)
        self.assertEqual(ann.get('sync/items/o2').status_code, 200)
        self.assertEqual(bob.get('sync/items/o2').status_code, 404)
        self.assertNotIn('milk', bob.get('sync/updates').text)
        self.assertEqual(bob.post('sync/cancel/o2').status_code, 404)
        self.assertEqual(
            ann.put('sync/items/o2', json={}).status_code, 403)
        self.assertEqual(ann.post('sync/cancel/o2', headers={
            'Origin': 'https://example.org'}).status_code, 403)
        ticket = ann.cookies['auth_tkt']
        forged = ticket.replace(encoded('ann'), encoded('bob'))
        self.assertNotEqual(forged, ticket)
        self.assertEqual(httpx.get(f'{self.url}sync/updates', cookies={
            'auth_tkt': forged}).status_code, 401)

        seen = ann.get('sync/items/o1').headers['ETag']
        ann.post('ship/ann/o1')
        refused = ann.post('sync/cancel/o1', headers={'If-Match': seen})
        self.assertEqual(refused.status_code, 412)
        self.assertEqual(refused.json()['item']['status'], 'shipped')

    def test_workers_mirror_and_backup(self):
        self.share()
        self.let_tokens_in()
        storage, workers = self.start_storage(), self.serve_more()
        [mirror] = [words for words in self.guide.commands()
                    if words[:2] == [f'GSET_TOKEN={TOKEN}', 'gset']]
        self.start(*mirror[1:], '--port', self.ports['8080'], port='8080',
                   path='healthz', GSET_TOKEN=TOKEN)
        self.run_command('repozo', '-B', '-r', '.', '-f', 'shop.fs')
        with Client(self.here('http://127.0.0.1:8080')) as client:
            def shows(*ids):
                client.sync()
                return client.replica.items.keys() == {*ids}
            self.customer('ann').post('order', data={'text': 'milk'})
            wait(lambda: shows('o1', 'o2'))
            stop(workers)
            stop(storage)
            self.restore()
            self.start_storage()
            self.serve_more()
            self.customer('ann').post('order', data={'text': 'rice'})
            wait(lambda: shows('o1', 'o2')
                 and client.replica.items['o2']['text'] == 'rice')

    def share(self):
        """Let the application use a ZEO server, on a free port."""
        self.address = f'127.0.0.1:{free_port()}'
        self.replace('shop.py', 'file://shop.fs', f'zeo://{self.address}')

    def let_tokens_in(self):
        lines = indented(self.guide.block('user_of'), '    ')
        where = '    asked = Request('
        self.replace('asgi.py', where, f'{lines}\n{where}')
        tokens = self.guide.block('TOKENS')
        self.replace('asgi.py', 'def user_of', f'{tokens}\n\n\ndef user_of')

    def start_storage(self):
        [words] = [words for words in self.guide.commands()
                   if words[0] == 'runzeo']
        command, options = self.command(*(
            word.replace('127.0.0.1:8100', self.address) for word in words))
        storage = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **options)
        self.stack.callback(stop, storage)
        return storage

    def restore(self):
        """Restore the backup, and do what the page says then."""
        self.run_command('repozo', '-R', '-r', '.', '-o', 'shop.fs')
        for words in self.guide.commands()[-2:]:
            self.output = self.run_command(*words)
        self.assertEqual(self.output, 'live/ann: well, 1 items\n')
