"""Live updates in applications: the examples, under load."""

import contextlib
import importlib.util
import json
import os
import re
import runpy
import socketserver
import sys
import tempfile
import threading
import unittest
from unittest import mock
from wsgiref import simple_server

import httpx
import transaction
from starlette.routing import Mount
from ZODB.POSException import ConflictError

from zc.generationalset import check, wire
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.places import EXAMPLES
from zc.generationalset.tests.support.serving import served
from zc.generationalset.tests.support.things import ResolverErrors

SELLERS = 5
SALES = 50


class Customer:
    """A client of a shop, with a replica."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url, timeout=90)
        self.replica = Replica()
        self.statuses = []

    def position(self):
        position = {'generation': self.replica.generation}
        if self.replica.epoch is not None:
            position['epoch'] = self.replica.epoch
        return position

    def sync(self):
        response = self.http.get('updates', params=self.position())
        self.replica.apply(wire.decode(response.content))

    def sell(self, name):
        """Sell something; apply the updates in the response."""
        response = self.http.post(f'sell/{name}', params=self.position())
        self.statuses.append(response.status_code)
        if response.status_code == 200:
            answer = response.json()
            answer = answer.get('updates', answer)
            self.replica.apply(wire.decode(json.dumps(answer)))
            return answer
        return None


class ShopTests:
    """What must hold in any framework."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.stack.callback(os.chdir, os.getcwd())
        os.chdir(directory)
        self.start()
        self.stack.enter_context(ResolverErrors())

    def load_example(self):
        name = self.example.removesuffix('.py')
        spec = importlib.util.spec_from_file_location(
            name, EXAMPLES / self.example)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        self.stack.callback(sys.modules.pop, name)
        spec.loader.exec_module(module)
        self.program = module

    def run_example(self):
        """Run it as a program."""
        runpy.run_path(str(EXAMPLES / self.example), run_name='__main__')

    def customer(self):
        customer = Customer(self.url)
        self.stack.callback(customer.http.close)
        return customer

    @contextlib.contextmanager
    def shop(self):
        manager = transaction.TransactionManager()
        connection = self.db.open(manager)
        try:
            yield connection.root()['shop']
            manager.commit()
        finally:
            manager.abort()
            connection.close()

    def run_all(self, *jobs):
        """Run jobs in threads, and customers who only look meanwhile."""
        def watch(customer):
            while not done.is_set():
                customer.sync()

        def job(function, *arguments):
            try:
                function(*arguments)
            except BaseException as error:
                errors.append(error)
        done, errors = threading.Event(), []
        watchers = [self.customer() for _ in range(2)]
        threads = [threading.Thread(target=job, args=args) for args in jobs]
        watching = [threading.Thread(target=job, args=(watch, watcher))
                    for watcher in watchers]
        for thread in [*watching, *threads]:
            thread.start()
        for thread in threads:
            thread.join(90)
        done.set()
        for thread in watching:
            thread.join(90)
        self.assertEqual(errors, [])
        return watchers

    def overtaken(self, function):
        """Return the function, overtaken by another sale when first called."""
        def overtaken(*arguments, **options):
            if not self.sold:
                self.sold = True
                with self.shop() as shop:
                    shop['apples'].value = {'left': 9}
                    shop.changed(shop['apples'])
            return function(*arguments, **options)
        self.sold = False
        return mock.patch.object(self.program, function.__name__, overtaken)

    def compare(self, *customers):
        for customer in customers:
            customer.sync()
        with self.shop() as shop:
            self.assertEqual(check(shop), [])
            items = {id: ob.value for id, ob in shop.items()}
            for customer in customers:
                self.assertEqual(customer.replica.items, items)
                self.assertEqual(customer.replica.generation, shop.generation)
        return items

    def test_one_sale(self):
        one, other = self.customer(), self.customer()
        other.sync()
        answer = one.sell('apples')
        self.assertIn(['apples', {'left': 9}], answer['contents'])
        answer = other.sell('apples')
        self.assertEqual(answer['adds'], [['apples', {'left': 8}]])
        self.assertEqual(other.replica.items['apples'], {'left': 8})
        self.assertEqual(self.compare(one, other), {
            'apples': {'left': 8}, 'pears': {'left': 10}})

    def test_what_somebody_else_has_bought(self):
        one, other = self.customer(), self.customer()
        one.sync()
        other.sync()
        other.sell('pears')
        for name, status in ('apples', 200), ('apples', 412), ('pears', 412):
            response = one.http.post(
                f'sell/{name}', **self.unchanged_since(one))
            self.assertEqual(response.status_code, status)
        self.assertEqual(self.compare(one, other), {
            'apples': {'left': 9}, 'pears': {'left': 9}})

    def test_what_cannot_be_sold(self):
        customer = self.customer()
        for name, status in [*[('apples', 200)] * 10, ('apples', 409),
                             ('plums', 404)]:
            customer.sell(name)
            self.assertEqual(customer.statuses.pop(), status)
        self.assertEqual(self.compare(customer)['apples'], {'left': 0})

    def test_sellers_of_different_goods(self):
        def sell(customer, name):
            while customer.statuses.count(200) < SALES:
                customer.sell(name)
        names = [f'goods {number}' for number in range(SELLERS)]
        self.customer().sync()
        with self.shop() as shop:
            for name in names:
                shop.add(Document(name, {'left': SALES}))
        customers = [self.customer() for _ in names]
        with counted_conflicts() as conflicts:
            watchers = self.run_all(*[
                (sell, customer, name)
                for customer, name in zip(customers, names, strict=True)])
        for customer in customers:
            self.assertLessEqual(
                set(customer.statuses), {200, *self.may_fail})
        # A transaction that takes so long that others fill the journal
        # conflicts, and is made again.  Without a journal all would.
        self.assertLess(len(conflicts), SALES * SELLERS / 2)
        items = self.compare(*watchers, *customers)
        self.assertEqual([items[name]['left'] for name in names],
                         [0] * len(names))

    def test_sellers_of_the_same_goods(self):
        def sell(customer):
            while 409 not in customer.statuses:
                customer.sell('goods')
        self.customer().sync()
        with self.shop() as shop:
            shop.add(Document('goods', {'left': SALES}))
        customers = [self.customer() for _ in range(SELLERS)]
        watchers = self.run_all(*[(sell, customer) for customer in customers])
        statuses = [status for customer in customers
                    for status in customer.statuses]
        self.assertEqual(statuses.count(200), SALES)
        self.assertLessEqual(set(statuses), {200, 409, *self.may_fail})
        self.assertEqual(
            self.compare(*watchers, *customers)['goods'], {'left': 0})

    def test_pages_of_other_sites(self):
        customer = self.customer()
        for site in 'cross-site', 'same-site':
            customer.http.headers['Sec-Fetch-Site'] = site
            customer.sell('apples')
        customer.http.headers['Sec-Fetch-Site'] = 'same-origin'
        customer.sell('apples')
        self.assertEqual(customer.statuses, [403, 403, 200])

    def test_live_updates_take_few_lines(self):
        text = (EXAMPLES / self.example).read_text()
        [part] = re.findall(
            '\n# What live updates need(.*?)\n# That is all', text, re.DOTALL)
        lines = [line for line in part.splitlines()[1:] if line]
        self.assertLess(len(lines), 20)


@contextlib.contextmanager
def counted_conflicts():
    """Yield a list that gets all conflicts, retried or not."""
    original, conflicts = ConflictError.__init__, []

    def init(self, *args, **options):
        original(self, *args, **options)
        conflicts.append(self)
    with mock.patch.object(ConflictError, '__init__', init):
        yield conflicts


class StarletteTests(ShopTests, unittest.TestCase):
    layer = Servers
    example = 'starlette_app.py'
    may_fail = ()

    def unchanged_since(self, customer):
        etag = '"{epoch}:{generation}"'.format(**customer.position())
        return {'headers': {'If-Match': etag}}

    def start(self):
        self.load_example()
        self.db = self.program.make_database()
        self.stack.callback(self.db.close)
        self.serve(self.program.make_app(self.db))

    def serve(self, app):
        [live] = [route.app for route in app.routes
                  if isinstance(route, Mount)]
        app.state.gset = live.state.gset  # for its end
        self.root = self.stack.enter_context(served(app))
        self.url = f'{self.root}/sync'

    def test_program(self):
        with mock.patch('uvicorn.run') as run:
            self.run_example()
        self.serve(run.call_args.args[0])
        response = httpx.get(self.root)
        self.assertEqual(response.text, 'See /sync/updates')
        response = httpx.get(f'{self.root}/sync/updates')
        self.assertEqual(response.json()['contents'], [
            ['apples', {'left': 10}], ['pears', {'left': 10}]])

    def test_overtaken(self):
        """It is tried again."""
        customer = self.customer()
        with self.overtaken(self.program.sell_one), \
                counted_conflicts() as conflicts:
            customer.sell('apples')
        self.assertEqual(customer.statuses, [200])
        self.assertTrue(conflicts)
        self.assertEqual(self.compare(customer)['apples'], {'left': 8})


class PyramidTests(ShopTests, unittest.TestCase):
    """With a server in threads; without pyramid_retry."""

    layer = Servers
    example = 'pyramid_app.py'
    #: Who conflicts with others gets this, and sells again.
    may_fail = 503,

    def unchanged_since(self, customer):
        return {'params': {**customer.position(), 'unchanged': 1}}

    def start(self):
        self.load_example()
        app = self.program.make_app('file://test.fs')
        self.db = app.registry._zodb_databases['']
        self.stack.callback(self.db.close)
        self.serve(app)

    def serve(self, app):
        server = simple_server.make_server(
            '127.0.0.1', 0, app, ThreadingServer, Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.stack.callback(server.server_close)
        self.stack.callback(thread.join)
        self.stack.callback(server.shutdown)
        self.url = f'http://127.0.0.1:{server.server_port}'

    def test_program(self):
        with mock.patch.object(simple_server, 'make_server') as make_server:
            self.run_example()
        make_server().serve_forever.assert_called()
        host, _, app = make_server.call_args_list[0].args
        self.assertEqual(host, '127.0.0.1')
        self.stack.callback(app.registry._zodb_databases[''].close)

    def test_overtaken(self):
        customer = self.customer()
        customer.sync()
        with self.overtaken(self.program.respond):
            response = customer.http.post('sell/apples')
            self.assertEqual(response.status_code, 503)
            self.assertEqual(response.headers['retry-after'], '1')
            self.assertEqual(self.compare(customer)['apples'], {'left': 9})
            customer.sell('apples')
        self.assertEqual(self.compare(customer)['apples'], {'left': 8})

    def test_own_change_comes_before_it_has_a_number(self):
        customer = self.customer()
        customer.sync()
        before = customer.replica.generation
        answer = customer.sell('pears')
        self.assertEqual(answer['adds'], [['pears', {'left': 9}]])
        self.assertEqual(answer['generation'], before)
        customer.sync()
        self.assertEqual(customer.replica.generation, before + 1)

    def test_bad_requests(self):
        customer = self.customer()
        for params in {'generation': 'x'}, {'generation': '-1'}:
            for method, path in ('GET', 'updates'), ('POST', 'sell/apples'):
                response = customer.http.request(method, path, params=params)
                self.assertEqual(response.status_code, 400)
        self.assertEqual(self.compare(customer)['apples'], {'left': 10})


class ThreadingServer(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    pass


class Handler(simple_server.WSGIRequestHandler):

    def log_message(self, *_):
        pass
