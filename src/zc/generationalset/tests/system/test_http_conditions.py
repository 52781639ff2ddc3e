"""Conditional writes over HTTP, at random, compared with what they should do.

Each write names a position that some client had, now or long ago.
"""

import random

from zc.generationalset.tests.support.serving import Served

IDS = 'abcd'
STEPS = 200


class RandomTests(Served):

    def setUp(self):
        super().setUp()
        self.items = {}
        self.changed = {}  # id -> the generation of its last change
        self.positions = []
        self.note(None)

    def note(self, id):
        """Note a change of an id, and the position after it."""
        answer = self.http.get('/updates').json()
        self.assertEqual(dict(answer['contents']), self.items)
        self.changed[id] = answer['generation']
        self.positions.append((answer['epoch'], answer['generation']))

    def test_random_writes(self):
        outcomes = set()
        rnd = random.Random(7)
        for step in range(STEPS):
            id = rnd.choice(IDS)
            epoch, since = rnd.choice(self.positions[-6:])
            if rnd.random() < .1:
                epoch = 'another'
            is_fine = epoch != 'another' and self.changed.get(id, 0) <= since
            item = {rnd.choice('xy'): rnd.randrange(2)}
            write = rnd.choice([self.put, self.put, self.patch, self.remove])
            with self.subTest(step=step, write=write.__name__, id=id):
                outcomes.add((write.__name__, write(
                    id, item, {'if-match': f'"{epoch}:{since}"'}, is_fine)))
        self.assertEqual(outcomes, {
            *((name, status) for name in ('put', 'patch', 'remove')
              for status in (200, 412)),
            ('put', 201), ('patch', 404), ('remove', 404)})

    def put(self, id, item, headers, is_fine):
        response = self.http.put(f'/items/{id}', json=item, headers=headers)
        status = 200 if id in self.items else 201
        return self.check(response, status, id, item, is_fine)

    def patch(self, id, item, headers, is_fine):
        response = self.http.patch(f'/items/{id}', json=item, headers={
            **headers, 'content-type': 'application/merge-patch+json'})
        if id not in self.items:
            status = 404 if is_fine else 412
            self.assertEqual(response.status_code, status)
            return status
        item = {**self.items[id], **item}
        return self.check(response, 200, id, item, is_fine)

    def remove(self, id, item, headers, is_fine):
        response = self.http.delete(f'/items/{id}', headers=headers)
        if id not in self.items:
            self.assertEqual(response.status_code, 404)
            return 404
        return self.check(response, 200, id, None, is_fine)

    def check(self, response, status, id, item, is_fine):
        """Check a response; a write that changes nothing is never refused."""
        if self.items.get(id) == item:
            is_fine = True
        elif is_fine:
            self.items[id] = item
            if item is None:
                del self.items[id]
            self.note(id)
        if not is_fine:
            self.assertEqual(response.json().get('item'), self.items.get(id))
            status = 412
        self.assertEqual(response.status_code, status)
        return status
