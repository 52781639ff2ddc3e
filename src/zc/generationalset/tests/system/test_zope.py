"""docs/zope.txt, followed word by word, in a real Zope.

Zope has an environment of its own, because it needs some 80 packages.
"""

import contextlib
import html
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import httpx
from zope.testing.wait import Wait

from zc.generationalset.client import Client
from zc.generationalset.tests.support import programs
from zc.generationalset.tests.support.browsing import Browsing
from zc.generationalset.tests.support.guides import (
    Guide,
    answers,
    free_ports,
)
from zc.generationalset.tests.support.places import CHECKOUT
from zc.generationalset.tests.support.serving import ENVIRONMENT
from zc.generationalset.tests.support.storages import ZEOServer, stop

ZOPE = 'Zope[wsgi]==6.3'
IMPORTS = '''\
from OFS.PropertyManager import PropertyManager
from OFS.SimpleItem import SimpleItem

'''
#: What an application has, so that the ZMI can copy and rename.
INITIALIZE = '''\
from shop.goods import Goods


def add_goods(self, id, title=''):
    """Add goods."""
    self._setObject(id, Goods(id, title))


def initialize(context):
    context.registerClass(Goods, constructors=(add_goods,))
'''
ZCML = '''\
<configure xmlns="http://namespaces.zope.org/zope"
           xmlns:five="http://namespaces.zope.org/five">
  <five:registerPackage package="." initialize=".initialize" />
  {}
</configure>
'''
MAKE = '''\
import transaction
from OFS.Folder import manage_addFolder
from persistent.mapping import PersistentMapping
from shop.goods import Goods

for id in 'fruit', 'other':
    manage_addFolder(app, id)
for number in range(5):
    id = f'g{number}'
    app.fruit._setObject(id, Goods(id, f'Goods {number}'))
app.fruit.g0.details = PersistentMapping()
app.manage_addProduct['PageTemplates'].manage_addPageTemplate(
    'list.html', text=open('list.html').read())
transaction.commit()
'''
#: Compares the set with all that Zope has, and says what as_json is given.
COMPARE = '''\
import json
from shop.live import as_json
from zc.generationalset import check

live = app._p_jar.root()['live']
found = [goods for _, goods in app.ZopeFind(
    app, obj_metatypes=['Goods'], search_sub=1)]
[first] = [ob for ob in live if ob.path == '/food/g0']
print(json.dumps({
    'zope': {goods.uid: {
        'path': '/'.join(goods.getPhysicalPath()), 'title': goods.title,
        'left': goods.left} for goods in found},
    'set': {id: as_json(ob) for id, ob in live.items()},
    'check': check(live),
    'path without wrapper': first.getPhysicalPath(),
    'traversed': app.unrestrictedTraverse(first.path).getPhysicalPath(),
    'epoch': live.epoch}))
'''

wait = Wait(timeout=90, wait=.1)


def install_zope(home):
    [install] = [words for words in Guide('zope.txt').commands()
                 if words[0] == 'pip']
    programs.call([sys.executable, '-m', 'venv', home])
    programs.call([home / 'bin' / 'python', '-m', *install, ZOPE])


class ZopeTests(Browsing, unittest.TestCase):

    level = 2

    def setUp(self):
        super().setUp()
        try:
            self.home = programs.installed('zope', install_zope)
        except programs.Missing as missing:
            self.skipTest(str(missing))
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = Path(self.stack.enter_context(
            tempfile.TemporaryDirectory()))
        self.guide = Guide('zope.txt')
        self.zope, self.live = free_ports(2)
        self.url = f'http://localhost:{self.zope}/'
        self.http = self.stack.enter_context(httpx.Client(
            base_url=self.url, auth=('admin', 'secret'), timeout=90))
        self.run_script('mkwsgiinstance', '-d', '.', '-u', 'admin:secret')
        self.make_application()

    # The application, and what the page adds to it

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text.replace('8080', self.zope)
                        .replace('8090', self.live))

    def make_application(self):
        self.write('src/shop/goods.py',
                   IMPORTS + self.guide.block('shop/goods.py'))
        self.write('src/shop/__init__.py', INITIALIZE)
        self.write('src/shop/configure.zcml', ZCML.format(''))
        self.write('etc/package-includes/shop-configure.zcml',
                   '<include package="shop" />')
        self.write('etc/zope.ini',
                   (self.directory / 'etc/zope.ini').read_text())
        self.write('list.html', self.guide.block('list.html'))
        self.write('make.py', MAKE)
        self.run_script('zconsole', 'run', 'etc/zope.conf', 'make.py')

    def follow(self, leave_out='nothing'):
        for name in 'shop/live.py', 'fill.py', 'live.py', 'renew.py':
            self.write(f'src/{name}' if '/' in name else name,
                       self.guide.block(name))
        subscribers = re.findall(
            '(?s)<subscriber.*?/>', self.guide.block('shop/configure.zcml'))
        self.write('src/shop/configure.zcml', ZCML.format('\n'.join(
            each for each in subscribers if leave_out not in each)))
        [fill] = [words for words in self.guide.commands()
                  if words[-1] == 'fill.py']
        for _ in range(2):
            self.assertIn(
                '/fruit/g0: track does not notice this: '
                "<class 'persistent.mapping.PersistentMapping'>\n"
                '5 goods are live\n', self.run_script(*fill))

    def arguments(self, words):
        name, *rest = words
        return [self.home / 'bin' / 'python',
                *([] if name == 'python' else [self.home / 'bin' / name]),
                *[word.replace('8090', self.live) for word in rest]]

    def options(self):
        path = f'{self.directory / "src"}:{CHECKOUT / "src"}'
        return {'cwd': self.directory, 'text': True,
                'env': {**ENVIRONMENT, 'PYTHONPATH': path}}

    def run_script(self, *words):
        done = subprocess.run(self.arguments(words), capture_output=True,
                              **self.options())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def start(self, *words):
        process = subprocess.Popen(
            self.arguments(words), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **self.options())
        self.stack.callback(stop, process)
        return process

    def start_client(self):
        wait(lambda: answers(f'http://localhost:{self.live}/updates'))
        wait(lambda: answers(self.url))
        return self.stack.enter_context(
            Client(f'http://localhost:{self.live}'))

    def post(self, path, **data):
        response = self.http.post(path, data=data, follow_redirects=True)
        self.assertEqual(response.status_code, 200, path)
        return response.text

    def undo(self, number):
        """Undo one of the latest transactions, in the ZMI."""
        form = self.http.get(
            '/Control_Panel/Database/main/manage_UndoForm').text
        ids = re.findall('name="transaction_info:list" value="([^"]*)"', form)
        return self.post(
            '/Control_Panel/Database/main/manage_undo_transactions',
            **{'transaction_info:list': html.unescape(ids[number])})

    def compare(self):
        """Compare the set with Zope's objects."""
        self.write('compare.py', COMPARE)
        out = self.run_script('zconsole', 'run', 'etc/zope.conf', 'compare.py')
        result = json.loads(out.splitlines()[-1])
        self.assertEqual(result['set'], result['zope'])
        self.assertEqual(result['check'], [])
        return result

    def test_zope(self):
        self.follow()
        zope = self.start('runwsgi', 'etc/zope.ini')
        client = self.start_client()
        client.sync()

        def after(path, **data):
            """Return what clients hear of after a request."""
            self.post(path, **data)
            return [(each.kind, each.item['path'], each.item['left'])
                    for each in client.sync()]

        # Nobody calls changed.
        self.assertEqual(after('/fruit/g0/sell'),
                         [('changed', '/fruit/g0', -1)])
        self.assertEqual(after('/fruit/g1/manage_changeProperties', left=7),
                         [('changed', '/fruit/g1', 7)])
        page = self.window('list.html')
        page.get_by_text('Goods 1: 7 left').wait_for()

        self.post('/fruit/manage_copyObjects', ids='g1')
        self.assertEqual(after('/fruit/manage_pasteObjects'),
                         [('added', '/fruit/copy_of_g1', 7)])
        self.post('/fruit/manage_cutObjects', ids='g2')
        self.assertEqual(after('/other/manage_pasteObjects'),
                         [('changed', '/other/g2', 0)])
        self.assertEqual(
            after('/fruit/manage_renameObject', id='g3', new_id='new'),
            [('changed', '/fruit/new', 0)])
        self.assertEqual(after('/fruit/manage_delObjects', ids='g4'),
                         [('removed', '/fruit/g4', 0)])
        self.assertEqual(
            [path for _, path, _ in after(
                '/manage_renameObject', id='fruit', new_id='food')],
            ['/food/g0', '/food/g1', '/food/copy_of_g1', '/food/new'])
        self.post('/manage_copyObjects', ids='food')
        self.assertEqual(len(after('/other/manage_pasteObjects')), 4)
        self.assertEqual(len(after('/other/manage_delObjects', ids='food')), 4)

        epoch = client.replica.epoch
        after('/food/g0/sell')
        self.undo(0)
        wait(lambda: client.sync() and client.replica.epoch != epoch)
        [left] = [goods['left'] for goods in client.replica.items.values()
                  if goods['path'] == '/food/g0']
        self.assertEqual(left, -1)
        after('/food/g0/sell')
        after('/food/g1/sell')
        self.assertIn('UndoError', self.undo(1))
        client.sync()
        page.get_by_text('Goods 1: 6 left').wait_for()
        page.close()
        stop(zope)

        result = self.compare()
        self.assertEqual(result['set'], client.replica.items)
        self.assertEqual(result['path without wrapper'], ['g0'])
        self.assertEqual(result['traversed'], ['', 'food', 'g0'])
        [renew] = [words for words in self.guide.commands()
                   if words[-1] == 'renew.py']
        self.run_script(*renew)
        self.assertNotEqual(self.compare()['epoch'], result['epoch'])

    def test_zeo(self):
        self.follow(leave_out='serve_here')
        server = ZEOServer(directory=self.directory)
        self.stack.callback(server.stop)
        server.stop()
        (self.directory / 'var' / 'Data.fs').rename(self.directory / '1.fs')
        server.start()
        conf = self.directory / 'etc' / 'zope.conf'
        conf.write_text('%import ZEO\n' + re.sub(
            '(?s)<filestorage>.*?</filestorage>',
            f'<zeoclient>\nserver {server.address}\nstorage 1\n</zeoclient>',
            conf.read_text()))
        [[name, file, uri]] = [words for words in self.guide.commands()
                               if words[1] == 'live.py']
        self.assertEqual(uri, 'zeo://localhost:8100')
        self.start(name, file, f'zeo://{server.address}?storage=1')
        self.start('runwsgi', 'etc/zope.ini')
        client = self.start_client()
        client.sync()
        self.post('/fruit/g0/sell')
        wait(client.sync)
        self.assertIn({'path': '/fruit/g0', 'title': 'Goods 0', 'left': -1},
                      client.replica.items.values())
