"""Batches that are sent again, because their response was lost."""

from zc.generationalset.tests.support.serving import Served


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
