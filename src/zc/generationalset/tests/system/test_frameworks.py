"""docs/fastapi.txt, flask.txt and django.txt, followed word by word.

Each framework has an environment of its own.
"""

import re
import subprocess
import unittest

import httpx

from zc.generationalset.tests.support.following import Following
from zc.generationalset.tests.support.storages import stop


class FastAPITests(Following, unittest.TestCase):

    name = 'fastapi'

    def test_page(self):
        self.write('shop.py', 'list.html')
        self.serve()
        with httpx.Client(base_url=self.url, timeout=90) as http:
            [put] = [words for words in self.guide.commands()
                     if words[0] == 'curl']
            subprocess.run([self.here(word) for word in put], check=True,
                           capture_output=True)
            first, second = self.window(), self.window()
            first.get_by_text('apples: 10 left').click()
            second.get_by_text('apples: 9 left').click()
            first.get_by_text('apples: 8 left').wait_for()
            self.assertEqual(http.get('goods/apples').json(), {'left': 8})
            http.put('goods/pears', json={'left': 0})
            for path, status in [
                    ('goods/pears/sell', 409), ('goods/x/sell', 404),
                    ('goods/pears/sell?generation=x', 400)]:
                self.assertEqual(http.post(path).status_code, status)
            for path, status in ('goods/x', 422), ('sync/items/x', 403):
                self.assertEqual(
                    http.put(path, json={'left': 'x'}).status_code, status)
            self.assertIn('/goods/{name}/sell',
                          http.get('openapi.json').json()['paths'])

    def test_users(self):
        self.write('shop.py', 'list.html')
        path = self.directory / 'shop.py'
        text = path.read_text()
        for line, block in [
                ("live = application(db, lambda root: root['goods'])",
                 '/sync'),
                ('app = FastAPI(lifespan=live.router.lifespan_context)',
                 'FastAPI')]:
            self.assertEqual(text.count(line), 1)
            text = text.replace(line, self.guide.block(block))
        path.write_text(text)
        self.serve()
        ann = {'authorization': 'Bearer anns-token'}
        with httpx.Client(base_url=self.url, timeout=90) as http:
            for headers, status in ({}, 401), (ann, 200):
                for method, url in ('GET', 'sync/updates'), (
                        'PUT', 'goods/pears'):
                    response = http.request(method, url, headers=headers, **(
                        {'json': {'left': 1}} if method == 'PUT' else {}))
                    self.assertEqual(response.status_code, status)
            self.assertEqual(http.put('sync/items/x', headers=ann, json=1)
                             .status_code, 403)


class FlaskTests(Following, unittest.TestCase):

    name = 'flask'

    def setUp(self):
        super().setUp()
        self.write('shop.py', 'make.py', 'live.py', 'list.html')
        self.run_command('python', 'make.py')

    def log_in(self, page):
        page.get_by_label('Name').fill('ann')
        page.get_by_text('Log in').click()

    def test_page(self):
        process = self.serve()
        first = self.window()
        self.log_in(first)
        second = self.window(context=first.context)
        first.get_by_text('apples: 10 left').click()
        second.get_by_text('apples: 9 left').click()
        first.get_by_text('apples: 8 left').wait_for()
        for path in 'sync/updates', 'sync/items/goods/~1':
            self.assertEqual(httpx.get(self.url + path).status_code, 401)
        forged = httpx.get(self.url + 'sync/updates', cookies={
            'session': 'eyJ1c2VyIjoiYW5uIn0.aaaaaa.aaaaaaaaaaaaaaaaaaa'})
        self.assertEqual(forged.status_code, 401)
        stop(process)

    def test_beside_a_wsgi_server(self):
        serve, run = self.guide.commands()[-2:]
        self.start(*serve, '--port', self.ports['8080'], port='8080',
                   path='updates')
        self.start(*run, '--port', self.ports['5000'], port='5000')
        path = self.directory / 'list.html'
        live = self.here('http://127.0.0.1:8080')
        path.write_text(path.read_text().replace(
            "'./sync", f"'{live}"))
        self.url = self.here('http://127.0.0.1:5000/')
        page = self.window()
        page.get_by_text('apples: 10 left').wait_for()
        self.log_in(page)
        page.get_by_text('apples: 10 left').click()
        page.get_by_text('apples: 9 left').wait_for()


class DjangoTests(Following, unittest.TestCase):

    name = 'django'

    def make(self):
        commands = self.guide.commands()[1:-1]
        for words in commands[:2]:
            self.run_command(*words)
        settings = self.directory / 'mysite' / 'settings.py'
        self.write('mysite/settings.py', before=settings.read_text())
        self.write('notes/models.py', 'notes/admin.py', 'notes/tokens.py',
                   'notes/live.py', 'mysite/asgi.py', 'notes/views.py',
                   'notes/templates/notes/list.html', 'mysite/urls.py')
        for words in commands[2:4]:
            self.run_command(*words)
        for user in 'ann', 'bob':
            self.run_command(
                *commands[4], '--noinput', '--username', user, '--email',
                'nobody@example.org', DJANGO_SUPERUSER_PASSWORD='secret')

    def log_in(self, user):
        page = self.window()
        page.get_by_label('Username').fill(user)
        page.get_by_label('Password').fill('secret')
        page.get_by_role('button', name='Log in').click()
        return page

    def add(self, page, text):
        page.get_by_label('Note').fill(text)
        page.get_by_text('Add').click()
        page.locator('li', has_text=text).wait_for()

    def test_page(self):
        self.make()
        process = self.serve()
        ann, bob = self.log_in('ann'), self.log_in('bob')
        self.add(ann, 'of Ann')
        self.add(bob, 'of Bob')
        self.assertEqual(ann.locator('li').all_text_contents(), ['of Ann'])
        admin = self.window('admin/notes/note/1/change/', context=ann.context)
        admin.get_by_label('Text').fill('changed')
        admin.get_by_text('Save', exact=True).click()
        ann.get_by_text('changed').wait_for()
        tokens = [page.evaluate('JSON.parse(token.textContent)')
                  for page in (ann, bob)]
        for page in ann, bob, admin:
            page.close()
        self.check_answers(*tokens)
        stop(process)
        self.migrate()
        self.serve()
        self.add(self.log_in('bob'), 'after the migration')

    def check_answers(self, ann, bob):
        def get(token):
            return httpx.get(self.url + 'sync/updates', headers={
                'authorization': f'Bearer {token}'})

        for token, seen, hidden in (ann, 'changed', 'of Bob'), (
                bob, 'of Bob', 'changed'):
            self.assertIn(seen, get(token).text)
            self.assertNotIn(hidden, get(token).text)
        self.assertEqual(get(re.sub('^.', '9', ann)).status_code, 401)

    def migrate(self):
        """Make the table anew, without its triggers."""
        models = self.directory / 'notes' / 'models.py'
        models.write_text(models.read_text().replace('200', '300'))
        for words in ['makemigrations', 'notes'], ['migrate']:
            self.run_command('python', 'manage.py', *words)
