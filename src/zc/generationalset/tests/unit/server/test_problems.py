"""What clients are told of the errors of sources."""

import json
import unittest

from zc.generationalset import sources
from zc.generationalset.server import application
from zc.generationalset.server.problems import Problem, problem_of


class ProblemTests(unittest.TestCase):

    def told(self, error):
        """Return status, problem document and Retry-After."""
        response = problem_of(error).response()
        return (response.status_code, json.loads(response.body),
                response.headers.get('retry-after'))

    def test_every_error(self):
        errors = sources.SourceError.__subclasses__()
        self.assertEqual(
            {kind.__name__: self.told(kind('why'))[0] for kind in errors},
            {'NoTree': 404, 'NoItem': 404, 'WrongKind': 409, 'WrongValue': 400,
             'Refused': 409, 'ReadOnly': 403, 'StaleCursor': 410,
             'LaterCursor': 503,
             'Contended': 503, 'Unavailable': 503, 'Uncertain': 500})

    def test_the_text_is_told(self):
        self.assertEqual(self.told(sources.NoItem('there is no such item')), (
            404, {'title': 'Not Found', 'status': 404,
                  'detail': 'there is no such item'}, None))

    def test_when_to_try_again(self):
        for kind in sources.Contended, sources.Unavailable:
            self.assertEqual(self.told(kind('why'))[2], '1')

    def test_where_to_write(self):
        self.assertNotIn('source', self.told(sources.ReadOnly('why'))[1])
        error = sources.ReadOnly('why', 'http://source.example')
        self.assertEqual(
            self.told(error)[1]['source'], 'http://source.example')

    def test_which_constraint(self):
        self.assertNotIn('constraint', self.told(sources.Refused('why'))[1])
        error = sources.Refused('why', 'positive_total')
        self.assertEqual(self.told(error)[1]['constraint'], 'positive_total')

    def test_errors_of_other_sources(self):
        class Violated(sources.WrongKind):
            pass

        self.assertEqual(self.told(Violated('why'))[0], 409)
        self.assertEqual(self.told(sources.SourceError('why'))[0], 500)

    def test_causes_are_in_the_log(self):
        for kind in sources.Unavailable, sources.Uncertain:
            error = kind('why')
            error.__cause__ = OSError('the cable')
            with self.assertLogs('zc.generationalset.server') as logs:
                self.assertNotIn('cable', str(self.told(error)))
            self.assertIn("OSError('the cable')", logs.output[0])

    def test_problems_are_told_as_they_are(self):
        problem = Problem(418, 'tea')
        self.assertIs(problem_of(problem), problem)


class SourceTests(unittest.TestCase):

    def test_what_is_no_source(self):
        with self.assertRaisesRegex(TypeError, 'expected a source.* got str'):
            application('Data.fs')
