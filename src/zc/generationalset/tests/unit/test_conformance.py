"""The conformance kit tells servers that keep the protocol from others."""

import contextlib
import io
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import uvicorn

from zc.generationalset.conformance import peer
from zc.generationalset.conformance.__main__ import main
from zc.generationalset.tests.support import toy_server
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.serving import Served, running
from zc.generationalset.tests.support.toy_server import (
    SET,
    Toy,
    Tree,
    application,
)


def playing(app):
    """Serve a toy; yield its URL."""
    return running(uvicorn.Config(
        app, log_level='critical', timeout_graceful_shutdown=1))


def tried(*arguments):
    """Return the exit code of a trial, and its lines."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), \
            contextlib.redirect_stderr(output):
        try:
            code = main(list(arguments))
        except SystemExit as error:
            code = error.code
    return code, output.getvalue().splitlines()


class ForgetsRemovals(Tree):

    def remove(self, path, is_set=None):
        super().remove(path, is_set)
        self.gone.clear()


class ForgetsSince(Tree):

    def answer(self, epoch, since, parts):
        return super().answer(epoch, since, parts) | {'since': 0}


class KnowsNoEpochs(Tree):

    def answer(self, epoch, since, parts):
        return super().answer(self.epoch, since, parts)


class ListsSiblings(Tree):

    def part(self, path, since):
        return super().part(path, since) or super().part(path, 0)


class WritesHalves(Tree):
    """What a batch has made stays."""

    def __setattr__(self, name, value):
        if name != 'entries' or not hasattr(self, name):
            super().__setattr__(name, value)


class AnswersNonsense(Tree):

    def answer(self, epoch, since, parts):
        return {'generation': 'many'}


class KeepsNothing(Tree):

    def put(self, path, text):
        return super().put(path, text if text is SET else '"something"')


class KnowsNoConditions(Tree):

    def unchanged(self, path, since):
        return True


class ForgetsEpochsOfConditions(Tree):

    def unchanged(self, path, since):
        return super().unchanged(path, 'toy:' + since.rpartition(':')[2])


class TakesAnotherSetForTheOld(Tree):

    def unchanged(self, path, since):
        return super().unchanged(path[-1:], since) if len(path) > 2 else (
            super().unchanged(path, since))


class RefusesForSiblings(Tree):

    def unchanged(self, path, since):
        return since == f'{self.epoch}:{self.generation}'


#: A wrong server, and what of the output blames it.
WRONG = {
    ForgetsRemovals: 'A later answer has what changed: the contents: expected',
    ForgetsSince: 'GET /updates: since: expected',
    KnowsNoEpochs: "reset: expected 'epoch', got None",
    ListsSiblings: 'the members of parts in which nothing changed: expected',
    WritesHalves: 'A batch is made as a whole, or not at all: GET ',
    AnswersNonsense: 'an answer: ',
    KnowsNoConditions: 'A write is made only if nobody has changed the item '
                       'since: PUT ',
    ForgetsEpochsOfConditions: 'PUT ',
    TakesAnotherSetForTheOld: 'A set has changed if anything in it has, or if '
                              'it is another one: PUT ',
    RefusesForSiblings: 'A write is made only if nobody has changed the item '
                        'since: PUT ',
    KeepsNothing: 'Items come back as they were written: GET of an item: '
                  "expected None, got 'something'",
}


class ToyTests(unittest.TestCase):

    layer = Servers

    def test_a_server_without_our_code(self):
        with playing(application(Toy())) as url:
            code, lines = tried(url)
        self.assertEqual((code, lines[-1]), (0, 'all is well'), lines)
        self.assertEqual({line[:2] for line in lines[:-1]}, {'ok'})

    def test_a_server_without_patch(self):
        """The server says so, with 405 and Allow, as the protocol has it."""
        app = application(Toy())
        app.routes[-1].methods.remove('PATCH')
        with playing(app) as url:
            code, lines = tried(url)
        self.assertEqual(code, 0, lines)
        skipped = [line for line in lines if line.startswith('skipped')]
        self.assertEqual(len(skipped), 2)

    def test_patches_that_replace_all(self):
        with mock.patch.object(
                toy_server, 'merged', lambda value, patch: patch), \
                playing(application(Toy())) as url:
            code, lines = tried(url)
        self.assertEqual(code, 1)
        self.assertIn('FAILED  PATCH changes some members', '\n'.join(lines))

    def test_wrong_servers(self):
        for kind, blame in WRONG.items():
            with self.subTest(kind.__name__), \
                    mock.patch.object(peer, 'PATIENCE', 3):
                toy = Toy()
                toy.tree = kind()
                with playing(application(toy)) as url:
                    code, lines = tried(url)
                self.assertEqual(code, 1, lines)
                failed = [line for line in lines if line.startswith('FAILED')]
                self.assertTrue(any(blame in line for line in failed), failed)
                self.assertEqual(lines[-1], f'{len(failed)} checks failed')


class OwnServerTests(Served):

    def test_this_server(self):
        # There is no proxy on the way to this machine.
        with mock.patch.dict(os.environ, http_proxy='http://127.0.0.1:9'):
            code, lines = tried(self.url)
        self.assertEqual((code, lines[-1]), (0, 'all is well'), lines)


class ReadOnlyTests(Served):

    options = {'write': False}

    def test_nobody_may_write(self):
        code, lines = tried(self.url)
        self.assertEqual(code, 2)
        self.assertIn('expected 201, got 403', lines[0])


class TokenTests(Served):

    options = {'write': True, 'tokens': {'secret': 'ann'}}

    def test_token(self):
        self.assertEqual(tried(self.url)[0], 2)
        with mock.patch.dict(os.environ, GSET_TOKEN='secret'):
            self.assertEqual(tried(self.url)[0], 0)
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, 'token')
            code, [line] = tried(self.url, '--token-file', path)
            self.assertEqual(code, 2)
            self.assertIn('can not be tried: ', line)
            pathlib.Path(path).write_text('secret\n')
            self.assertEqual(tried(self.url, '--token-file', path)[0], 0)


class CommandTests(unittest.TestCase):

    def test_help(self):
        code, lines = tried('--help')
        self.assertEqual(code, 0)
        self.assertIn('examples:', lines)

    def test_no_server(self):
        code, [line] = tried('http://127.0.0.1:1')
        self.assertEqual(code, 2)
        self.assertRegex(line, '^can not be tried: .*expected a response')
