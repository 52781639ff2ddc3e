"""People who edit between a write to a server and its reading."""

import ZODB

from zc.generationalset.client.remote import Remote
from zc.generationalset.documents import Document
from zc.generationalset.sync import Data, Hub, Synchronizer
from zc.generationalset.sync.stores.http import HTTPStore
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.tests.support.serving import Served
from zc.generationalset.tests.support.stored import TYPE


class AfterwardsTests(Served):

    def setUp(self):
        super().setUp()
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        self.remote = Remote(self.url)
        self.memory = MemoryStore('memory', [TYPE.name])
        server = HTTPStore('server', self.remote, {TYPE: ('', {})})
        self.addCleanup(server.close)
        self.sync = Synchronizer(Hub(db), [self.memory, server], [TYPE])
        self.here = self.memory.accessors['issue']
        self.there = server.accessors['issue']

    def edit_after_the_next_write(self, **fields):
        put = self.remote.put

        def late(path, item, condition):
            self.remote.put = put
            put(path, item, condition)
            with self.changing() as things:
                things.changed(Document(path[-1], {**item, **fields}))

        self.remote.put = late

    def fields(self):
        [found] = self.there.find()
        return found.fields

    def test_an_addition(self):
        self.here.add(Data('issue', None, {'title': 'a', 'text': 'x'}), '1')
        self.edit_after_the_next_write(text='late')
        self.assertEqual(self.sync.run().conflicts, ['issue/1/text'])
        self.assertEqual(self.fields()['text'], 'late')

    def test_an_update(self):
        data = self.here.add(
            Data('issue', None, {'title': 'a', 'text': 'x'}), '1')
        self.assertEqual(self.sync.run().code, 0)
        self.here.update(data.id, {'text': 'y'}, None)
        self.edit_after_the_next_write(text='late')
        self.assertEqual(self.sync.run().conflicts, ['issue/1/text'])
        self.assertEqual(self.fields()['text'], 'late')

    def test_another_field(self):
        data = self.here.add(
            Data('issue', None, {'title': 'a', 'text': 'x'}), '1')
        self.assertEqual(self.sync.run().code, 0)
        self.here.update(data.id, {'text': 'y'}, None)
        self.edit_after_the_next_write(number=7)
        self.assertEqual(self.sync.run().code, 0)
        [found] = self.here.find()
        self.assertEqual((found.fields['text'], found.fields['number']),
                         ('y', 7))
