"""Limits, which are the same for each way to write."""

import json
import time

from zc.generationalset.server import Limits
from zc.generationalset.tests.support.serving import Served
from zc.generationalset.tests.support.values import integers, other_integers

JSON = {'content-type': 'application/json'}


class LimitsTests(Served):

    options = {'limits': Limits(document=300_000, path=100, depth=8)}

    def test_polls_end_before_proxies_give_up(self):
        """Most proxies wait for 60 seconds, and HAProxy often for 50."""
        self.assertLess(Limits().wait, 50)

    def put(self, text, path='/items/a', **headers):
        return self.http.put(path, content=text, headers={
            **JSON, **{name.replace('_', '-'): value
                       for name, value in headers.items()}})

    def batch(self, text='1', path=('a',)):
        return self.http.post('/batch', headers=JSON, content=(
            '{"changes": [{"op": "put", "path": ["b"], "item": 1}, {"op": '
            f'"put", "path": {json.dumps(path)}, "item": {text}}}]}}'))

    def both_refuse(self, status, text, detail):
        self.refused(status, self.put(text), detail)
        problem = self.refused(status, self.batch(text), detail)
        self.assertEqual(problem['change'], 1)

    def test_documents(self):
        self.both_refuse(413, '"' + 'x' * 300_000 + '"', '300000 bytes')
        # Before anything is made of it.
        self.both_refuse(413, '[{"$int":"1"}%s]' % (' ' * 300_000),
                         '300000 bytes')
        self.both_refuse(400, '[' * 9 + ']' * 9, '8 levels')
        self.both_refuse(400, '{"a":{"b":1,"b":2}}', 'names')
        for text in '[' * 8 + ']' * 8, '1e2', '{"$int":"9007199254740993"}':
            self.assertEqual(self.batch(text).status_code, 200)
            again = self.put(text, generation='0')
            self.assertEqual(again.status_code, 200, again.text)

    def test_paths(self):
        for id in 'x' * 101, 'ä' * 17, '😀' * 9, 'x/' * 30:
            self.refused(400, self.batch(path=[id]), '100 bytes')
            self.refused(400, self.put('1', '/items/' + ''.join(
                f'%{byte:02x}' if byte > 127 or byte == 0x2f else chr(byte)
                for byte in id.encode())), '100 bytes')
        self.refused(400, self.batch(path=['😀'] * 8), '100 bytes')
        self.refused(400, self.batch(path=['a'] * 9), '8 ids')
        self.refused(400, self.put('1', '/items/' + 'a/' * 8 + 'a'), '8 ids')
        for id in 'x' * 100, 'ä' * 16:
            self.assertEqual(self.batch(path=[id]).status_code, 200)
            self.assertEqual(self.put('1', f'/items/{id}').status_code, 200)

    def test_empty_segments(self):
        for path in '/items//', '/items//a', '/items/a//', '/items/a//b':
            with self.subTest(path):
                self.refused(400, self.http.get(path), 'segment')

    def test_values_of_the_same_hash(self):
        begin = time.process_time()
        text = json.dumps({'$set': other_integers(8_000)})
        self.assertIn(self.put(text).status_code, (200, 201))
        usual = time.process_time() - begin
        text = json.dumps({'$set': integers(8_000)})
        self.both_refuse(400, text, 'same hash')
        self.assertLess(time.process_time() - begin, 20 * usual)
