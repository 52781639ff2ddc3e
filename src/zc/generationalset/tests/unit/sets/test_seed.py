"""The examples of the original specification, unchanged."""

import doctest
import unittest

from zc.generationalset import GSet
from zc.generationalset.tests.support.places import DATA

EXAMPLES = DATA / 'seed.txt'

#: One example contradicts the rest of the specification: 42, that a client at
#: generation 3 has, was removed at generation 4.  Without the removal that
#: client would keep it for ever.
WRONG = 'things.generational_updates(3)\n'
PRINTED = "{'generation': 5, 'adds': [Thing(1)]}\n"
RIGHT = "{'generation': 5, 'removals': [42], 'adds': [Thing(1)]}\n"


class Thing:

    def __init__(self, id):
        self.id = id

    def __repr__(self):
        return f'Thing({self.id})'


class Runner(doctest.DocTestRunner):

    def __init__(self):
        super().__init__(verbose=False)
        self.failures_seen = []

    def report_failure(self, out, test, example, got):
        self.failures_seen.append((example.source, example.want, got))


class SeedTests(unittest.TestCase):

    def test_examples(self):
        test = doctest.DocTestParser().get_doctest(
            EXAMPLES.read_text(), {'Thing': Thing}, 'seed', str(EXAMPLES), 0)
        runner = Runner()
        results = runner.run(test)
        self.assertEqual(results.attempted, 21)
        self.assertEqual(runner.failures_seen, [(WRONG, PRINTED, RIGHT)])

    def test_what_that_client_holds(self):
        from zc.generationalset.replica import Replica
        things = GSet()
        thing = Thing(42)
        things.add(thing)
        things.changed(thing)
        replica = Replica()
        replica.apply(things.generational_updates(0))
        self.assertEqual(replica.generation, 3)
        self.assertEqual(list(replica.items), [42])
        things.remove(thing)
        things.add(Thing(1))
        replica.apply(things.generational_updates(3))
        self.assertEqual(list(replica.items), [1])
