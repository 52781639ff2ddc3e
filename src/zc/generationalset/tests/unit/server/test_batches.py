"""Batches that are sent again, because their response was lost."""

from unittest import mock

from zc.generationalset import wire
from zc.generationalset.server import edits
from zc.generationalset.tests.support.serving import Served
from zc.generationalset.tests.unit.server.test_conditions import Conditional


class SentAgainTests(Served):

    def test_may_be_sent_again_when_it_was_made(self):
        self.put('a')
        changes = [
            {'op': 'set', 'path': ['s']},
            {'op': 'put', 'path': ['s', 'x'], 'item': 1},
            {'op': 'put', 'path': ['b'], 'item': 1},
            {'op': 'remove', 'path': ['a']},
            {'op': 'remove', 'path': ['s', 'x']},
            {'op': 'remove', 'path': ['s']}]
        for batch in changes, changes, changes[1:]:
            response = self.http.post('/batch', json={'changes': batch})
            self.assertEqual(response.status_code, 200, response.text)
            self.assertEqual(response.json()['ids'],
                             [change['path'][-1] for change in batch])
            self.assertEqual(self.get().json()['contents'], [['b', 1]])

    def test_writes_into_sets_that_are_not_there(self):
        """Only what the batch itself removes is no reason to fail."""
        for last in 'other', 's':
            changes = [{'op': 'put', 'path': ['s', 'x'], 'item': 1},
                       {'op': 'remove', 'path': [last, 'y']}]
            problem = self.refused(
                404, self.http.post('/batch', json={'changes': changes}))
            self.assertEqual(problem['change'], 0)
        problem = self.refused(404, self.http.post('/batch', json={
            'changes': [{'op': 'add', 'path': ['s'], 'item': 1},
                        {'op': 'remove', 'path': ['s']}]}))
        self.assertEqual(problem['change'], 0)


class ConditionsTests(Conditional):
    """What was made already is told from what others have written."""

    def test_a_last_patch_that_others_have_made(self):
        """The patches before it would still overwrite what they wrote."""
        self.put('a', {'title': 'tea', 'done': False})
        position = self.position()
        theirs = {'title': 'coffee', 'done': True}
        self.put('a', theirs)
        first = {'op': 'patch', 'path': ['a'], 'item': {'title': 'milk'},
                 'unchanged_since': position}
        put = {**first, 'op': 'put', 'item': {'title': 'x', 'done': False}}
        last = {**first, 'item': {'done': True}}
        for before in first, put:
            problem = self.refused(412, self.batch(before, last))
            self.assertEqual((problem['change'], problem['item']), (0, theirs))
            self.assertEqual(self.http.get('/items/a').json(), theirs)

    def test_patches_sent_again(self):
        self.put('a', {'title': 'tea', 'done': False})
        position = self.position()
        changes = [
            {'op': op, 'path': ['a'], 'item': item,
             'unchanged_since': position} for op, item in [
                 ('patch', {'title': 'milk', 'rank': 1}),
                 ('patch', {'done': True, 'rank': None})]]
        changes[1:1] = [{**changes[0], 'item': {'title': 'coffee'}}]
        put = {**changes[0], 'op': 'put', 'item': {'by': 'ann'}}
        for some in changes, [put, *changes]:
            for change in some:
                change['unchanged_since'] = self.position()
            for _ in range(2):
                response = self.batch(*some)
                self.assertEqual(response.status_code, 200, response.text)

    def test_many_patches_sent_again(self):
        """Whether they are made is found out once."""
        position = self.position()
        changes = [
            {'op': 'patch', 'path': ['a'], 'item': {f'{number}': number},
             'unchanged_since': position} for number in range(20)]
        self.assertEqual(self.batch(*changes).status_code, 200)
        with mock.patch.object(
                edits.wire, 'patched', wraps=wire.patched) as patched:
            self.assertEqual(self.batch(*changes).status_code, 200)
        self.assertEqual(patched.call_count, 40)

    def test_a_patch_of_what_is_removed(self):
        position = self.position()
        self.put('a', {'done': True})
        removed = {'op': 'remove', 'path': ['a'], 'unchanged_since': position}
        patched = {**removed, 'op': 'patch', 'item': {'done': True}}
        problem = self.refused(404, self.batch(removed, patched))
        self.assertEqual(problem['change'], 1)
        self.assertEqual(self.http.get('/items/a').json(), {'done': True})

    def test_a_set_that_is_emptied(self):
        """What others have put into it since stays."""
        position = self.position()
        self.http.put('/items/s/theirs', json=1)
        changes = [
            {'op': 'remove', 'path': ['s'], 'unchanged_since': position},
            {'op': 'set', 'path': ['s']},
            {'op': 'put', 'path': ['s', 'x'], 'item': 1}]
        self.refused(412, self.batch(*changes))
        self.assertEqual(self.http.get('/items/s/theirs').json(), 1)
