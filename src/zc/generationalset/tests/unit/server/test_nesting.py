"""Nested sets, and nested documents in them, as deep as answers can be."""

from zc.generationalset import GSet, wire
from zc.generationalset.client import Client
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import Served, wait
from zc.generationalset.tests.support.streams import Stream

DEEPEST = ['d'] * wire.SUBSETS


class DeepWriteTests(Served):

    def fill(self):
        response = self.http.post('/batch', json={'changes': [
            {'op': 'set', 'path': DEEPEST[:depth + 1]}
            for depth in range(wire.SUBSETS)]})
        self.assertEqual(response.status_code, 200, response.text)

    def url_of(self, ids):
        return '/items/' + wire.encode_path(ids)

    def test_a_set_that_no_answer_could_say(self):
        self.fill()
        one_more = [*DEEPEST, 'd']
        self.refused(400, self.http.put(self.url_of(one_more) + '/'),
                     'at most 40 sets')
        self.refused(400, self.http.post('/batch', json={'changes': [
            {'op': 'set', 'path': one_more}]}), 'at most 40 sets')
        self.assertEqual(self.get().status_code, 200)

    def test_the_deepest_item_arrives(self):
        self.fill()
        item = 1
        for _ in range(64):
            item = [item]
        put = self.http.put(self.url_of([*DEEPEST, 'x']), json=item)
        self.assertEqual(put.status_code, 201, put.text)
        added = self.http.post(self.url_of(DEEPEST) + '/', json=2)
        self.assertEqual(added.status_code, 201, added.text)
        with Client(self.url) as client:
            client.sync()
            found = client.replica.items
        for id in DEEPEST:
            found = found[id]
        self.assertEqual(list(found.values()), [item, 2])


class DeeperTreeTests(Served):
    """Application code may nest deeper."""

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            for _ in range(wire.SUBSETS):
                subset = GSet('d')
                things.add(subset)
                things = subset
            self.path = wire.encode_path(DEEPEST)

    def deepen(self):
        with self.changing() as things:
            for id in DEEPEST:
                things = things[id]
            things.add(GSet('d'))

    def test_reading_says_what_is_wrong(self):
        self.deepen()
        for path in '/updates', '/events':
            with Mute('zc.generationalset.server') as mute:
                self.refused(500, self.http.get(path), 'at most 40 subsets')
            self.assertEqual(len(mute.records), 1)

    def test_streams_end(self):
        generation = self.get().json()['generation']
        stream = Stream(self.http, generation, self.epoch())
        wait(stream.comments)
        with Mute('uvicorn.error') as defects, \
                Mute('zc.generationalset.server'):
            self.deepen()
            wait(lambda: stream.ended)
        self.assertEqual(defects.records, [])

    def test_a_write_that_can_not_be_read_is_made(self):
        self.deepen()
        with Mute('zc.generationalset.server') as mute:
            response = self.http.put('/items/a?generation=0', json=1)
        self.assertEqual((response.status_code, response.json()), (201, {}))
        self.assertTrue(mute.records)
        self.assertEqual(self.http.get('/items/a').json(), 1)

    def test_what_is_too_deep_can_be_removed(self):
        self.deepen()
        response = self.http.delete(f'/items/{self.path}/d/')
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(self.get().status_code, 200)
