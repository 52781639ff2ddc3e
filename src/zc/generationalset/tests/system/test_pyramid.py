"""docs/pyramid.txt, followed word by word."""

import contextlib
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import httpx
from zope.testing.wait import Wait

from zc.generationalset.client import Client
from zc.generationalset.tests.support.browsing import Browsing
from zc.generationalset.tests.support.guides import (
    Guide,
    answers,
    free_ports,
)
from zc.generationalset.tests.support.places import CHECKOUT
from zc.generationalset.tests.support.serving import ENVIRONMENT
from zc.generationalset.tests.support.storages import stop

MAKE = '''\
import ZODB
from persistent.mapping import PersistentMapping
from shop import Goods

with ZODB.DB('shop.fs').transaction() as connection:
    connection.root.goods = {
        name: Goods(name, 10) for name in ('apples', 'pears')}
    for goods in connection.root.goods.values():
        goods.details = PersistentMapping()
'''
UNNOTICED = ''.join(
    f"{name}: track does not notice this: "
    "<class 'persistent.mapping.PersistentMapping'>\n"
    for name in ('apples', 'pears'))
RUN = '''\
from wsgiref.simple_server import make_server
from pyramid.response import Response
from shop import make_app

app = make_app()

def with_page(environ, start_response):
    if environ['PATH_INFO'] == '/list.html':
        return Response(open('list.html').read())(environ, start_response)
    return app(environ, start_response)

make_server('127.0.0.1', 6543, with_page).serve_forever()
'''

wait = Wait(timeout=90, wait=.1)


class PyramidTests(Browsing, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = Path(self.stack.enter_context(
            tempfile.TemporaryDirectory()))
        self.guide = Guide('pyramid.txt')
        self.port, self.live = free_ports(2)

    def options(self):
        path = f'{ENVIRONMENT["PYTHONPATH"]}:.'
        return {'cwd': self.directory,
                'env': {**ENVIRONMENT, 'PYTHONPATH': path}}

    def write(self, name, text):
        (self.directory / name).write_text(
            text.replace('6543', self.port).replace('8090', self.live))

    def run_script(self, name):
        return subprocess.run(
            [sys.executable, name], check=True, text=True,
            stdout=subprocess.PIPE, **self.options()).stdout

    def test_pyramid(self):
        self.write('shop.py', self.guide.block('shop.py'))
        self.write('make.py', MAKE)
        self.run_script('make.py')

        self.assertEqual(self.guide.commands(), [
            ['pip', 'install', f'{CHECKOUT}[server,client]'],
            ['python', 'fill.py'],
            ['gset', 'watch', 'http://localhost:8090']])
        line = "config.include('pyramid_zodbconn')\n"
        addition = self.guide.block('pyramid_zodbconn')
        self.write('shop.py', self.guide.block('shop.py').replace(
            line, f'{line}        {addition}\n'))
        for name in 'live.py', 'fill.py', 'list.html':
            self.write(name, self.guide.block(name))
        done = '2 goods are live\n'
        self.assertEqual(self.run_script('fill.py'), UNNOTICED + done)
        add = 'live.add(goods)'
        part = self.guide.block(add)
        self.write('fill.py', self.guide.block('fill.py').replace(
            add, f'{part}; {add}'))
        self.assertEqual(self.run_script('fill.py'), done)
        self.write('run.py', RUN)
        process = subprocess.Popen(
            [sys.executable, 'run.py'], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **self.options())
        self.stack.callback(stop, process)
        self.url = f'http://localhost:{self.port}/'
        served = f'http://localhost:{self.live}'
        wait(lambda: answers(f'{self.url}list.html'))
        wait(lambda: answers(f'{served}/updates'))

        client = self.stack.enter_context(Client(served))
        page = self.window('list.html')
        page.get_by_text('apples: 10 left').wait_for()
        for name in 'apples', 'pears', 'apples':  # nobody calls changed
            httpx.post(f'{self.url}sell/{name}').raise_for_status()
        page.get_by_text('apples: 8 left').wait_for()
        page.get_by_text('pears: 9 left').wait_for()
        page.close()
        client.sync()
        self.assertEqual(client.replica.items, {
            'apples': {'name': 'apples', 'left': 8},
            'pears': {'name': 'pears', 'left': 9}})
