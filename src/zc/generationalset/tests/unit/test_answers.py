"""Answers: to which position one fits, and what is no answer."""

import json
import unittest

from zc.generationalset.answers import (
    HIGHEST,
    Misfit,
    Position,
    check_answer,
    check_fits,
    covers,
    fits,
    is_to,
)
from zc.generationalset.tests.support.places import VECTORS


def answer(since, generation, epoch='e', **members):
    return {'epoch': epoch, 'since': since, 'generation': generation,
            **members}


class FitTests(unittest.TestCase):

    def test_vectors(self):
        cases = json.loads((VECTORS / 'positions.json').read_text())['cases']
        self.assertGreater(len(cases), 15)
        for case in cases:
            with self.subTest(case['name']):
                position = Position(**case['position'])
                decoded = check_answer(case['answer'])
                self.assertIs(is_to(decoded, position), case['is_to'])
                self.assertIs(fits(decoded, position), case['fits'])
                self.assertIs(covers(position, decoded), case['covers'])

    def test_check_fits(self):
        check_fits(answer(3, 5), Position('e', 3))
        check_fits(answer(2, 5), Position('e', 3))
        for other, text in [
                (answer(4, 5), "from 'e:4' to 'e:5'$"),
                (answer(1, 2), "from 'e:1' to 'e:2'$"),
                (answer(3, 5, 'f'), "from 'f:3' to 'f:5'$"),
                (answer(2, 5, 'f', since_epoch='e', reset='', contents=[]),
                 "from 'e:2' to 'f:5'$")]:
            with self.assertRaisesRegex(
                    Misfit, f"^expected an answer for 'e:3', got one {text}"):
                check_fits(other, Position('e', 3))


class CheckTests(unittest.TestCase):

    def test_the_highest_generation(self):
        # The highest integer that JavaScript's numbers keep.
        self.assertEqual(HIGHEST, 9007199254740991)

    def test_numbers(self):
        check_answer(answer(HIGHEST, HIGHEST))
        check_answer(answer(0, 1))
        for since, generation in [
                (-1, 1), (0, 0), (0, HIGHEST + 1), (1.0, 2), (True, 2),
                (HIGHEST + 1, HIGHEST + 1), (3, 2), (None, 1), (0, '1')]:
            with self.assertRaisesRegex(ValueError, 'expected .*, got'):
                check_answer(answer(since, generation))

    def test_only_a_reset_leads_into_another_epoch(self):
        check_answer(answer(3, 5, since_epoch='f', reset='', contents=[]))
        with self.assertRaisesRegex(ValueError, 'a reset with since_epoch'):
            check_answer(answer(3, 5, since_epoch='f'))

    def test_a_reset_may_go_back(self):
        check_answer(answer(3, 2, reset='ahead', contents=[]))
