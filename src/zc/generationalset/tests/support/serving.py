"""A real server on a real port, in a thread of the test."""

import contextlib
import os
import sys
import threading
import unittest
from typing import Any
from unittest import mock

import httpx
import transaction
import uvicorn
import ZODB
from ZODB.DemoStorage import DemoStorage
from zope.testing.wait import Wait

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.process.running import configuration
from zc.generationalset.process.sockets import listen
from zc.generationalset.server import application, monitoring
from zc.generationalset.tests.support.layers import Servers

wait = Wait(timeout=90, wait=0.01)

#: The environment in which processes can import the package.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items()
       if name != 'GSET_TOKEN'},
    'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}


def plain(app):
    """Return a configuration of uvicorn as applications use it."""
    return uvicorn.Config(
        app, http='h11', ws='none', log_config=None, log_level='warning',
        access_log=False, timeout_graceful_shutdown=1)


@contextlib.contextmanager
def served(app, port=0, configure=configuration):
    """Serve an ASGI application; yield its URL."""
    with running(configure(app), port) as url:
        try:
            yield url
        finally:
            app.state.gset.stop()


@contextlib.contextmanager
def running(config, port=0, seconds=30):
    """Run uvicorn in a thread, which must end in time; yield its URL."""
    listening = listen('127.0.0.1', port)
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={'sockets': [listening]})
    thread.start()
    try:
        wait(lambda: server.started or not thread.is_alive())
        yield f'http://127.0.0.1:{listening.getsockname()[1]}'
    finally:
        server.should_exit = True
        thread.join(seconds)
        if thread.is_alive():
            raise AssertionError('the server did not end')


class Served(unittest.TestCase):
    """A test with a database, a set in it, a server and a client."""

    layer = Servers
    options: dict[str, Any] = {}
    #: Returns the configuration of uvicorn.
    configure = staticmethod(configuration)

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        # A busy machine isn't ill.
        self.stack.enter_context(
            mock.patch.object(monitoring, 'PATIENCE', 90))
        self.db = ZODB.DB(self.storage())
        self.stack.callback(self.db.close)
        with self.db.transaction() as connection:
            connection.root.things = GSet()
        self.app = application(
            self.db, **{'find': lambda root: root['things'], 'write': True,
                        **self.options})
        self.url = self.stack.enter_context(
            served(self.app, configure=self.configure))
        self.http = self.stack.enter_context(httpx.Client(
            base_url=self.url, timeout=90))

    def storage(self):
        return DemoStorage()

    @contextlib.contextmanager
    def changing(self):
        """Change the set in a transaction of the test's own."""
        manager = transaction.TransactionManager()
        connection = self.db.open(manager)
        try:
            yield connection.root()['things']
            manager.commit()
        finally:
            manager.abort()
            connection.close()

    def put(self, id, value=None):
        with self.changing() as things:
            things.add(Document(id, value))

    def epoch(self):
        with self.changing() as things:
            return things.epoch

    def get(self, generation=0, epoch=None, path='/updates', **headers):
        """Get the answer, as JSON, to a question."""
        params = {'generation': generation}
        if epoch is not None:
            params['epoch'] = epoch
        return self.http.get(path, params=params, headers={
            name.replace('_', '-'): value for name, value in headers.items()})

    def refused(self, status, response, detail='.'):
        """Expect a problem document."""
        self.assertEqual(response.status_code, status, response.text)
        self.assertEqual(response.headers['content-type'],
                         'application/problem+json')
        problem = response.json()
        self.assertEqual(problem['status'], status)
        self.assertTrue(problem['title'])
        self.assertRegex(problem['detail'], detail)
        return problem
