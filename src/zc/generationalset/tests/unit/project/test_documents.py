"""The examples in the documents and docstrings are right."""

import doctest
import sys
import types
import unittest

import manuel.doctest
import manuel.testing
from zope.testing import setupstack

from zc.generationalset.tests.support.places import CHECKOUT, PACKAGE


def set_up(test):
    """Make a module of the document, for pickles of its classes."""
    setupstack.setUpDirectory(test)
    module = types.ModuleType('manual')

    def look_up(name):
        try:
            return test.globs[name]
        except KeyError:
            raise AttributeError(name) from None

    module.__getattr__ = look_up
    test.globs['__name__'] = 'manual'
    sys.modules['manual'] = module
    setupstack.register(test, sys.modules.pop, 'manual')


def test_suite():
    options = doctest.ELLIPSIS | doctest.REPORT_NDIFF
    suite = manuel.testing.TestSuite(
        manuel.doctest.Manuel(optionflags=options),
        str(PACKAGE / 'README.txt'), str(CHECKOUT / 'docs' / 'existing.txt'),
        str(CHECKOUT / 'docs' / 'sync.txt'),
        setUp=set_up, tearDown=setupstack.tearDown)
    for module in (
            'answers', 'check', 'documents', 'interfaces', 'replica.memory',
            'wire.decoding', 'wire.encoding', 'wire.forms', 'wire.ids',
            'wire.jsontext', 'wire.values',
            'client.eventstream', 'mirror.mirror', 'mirror.points',
            'push.addresses', 'push.patience',
            'sql.verification.digests'):
        suite.addTest(doctest.DocTestSuite(f'zc.generationalset.{module}'))
    return unittest.TestSuite([suite])
