"""A service of HTTP and another store, kept equal."""

import unittest

import ZODB
from starlette.responses import JSONResponse, Response

from zc.generationalset.sync import Data, Hub, Synchronizer, Type
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.rest_server import HTML, Faults


class TogetherTests(Faults, unittest.TestCase):
    """A service and a store in memory, kept equal."""

    def setUp(self):
        super().setUp()
        mute = Mute('uvicorn.error')  # it tells of lost replies
        mute.__enter__()
        self.addCleanup(mute.__exit__)
        self.type = Type('issue', {'title': 'str', 'text': 'str'}, ['title'])
        self.memory = MemoryStore('memory', ['issue'])
        self.notes = self.memory.accessors['issue']
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.prepare()

    def prepare(self, **options):
        self.sync = Synchronizer(
            Hub(self.db, is_exclusive=True),
            [self.open(**options), self.memory], [self.type])
        self.sync.sleep = lambda seconds: None

    def titles(self):
        return sorted(each['title'] for each in self.server.items.values())

    def test_nothing_is_removed_after_half_a_listing(self):
        self.sync.run()
        self.assertEqual(self.notes.count(), 4)
        self.server.put(title='i4')
        for response in (Response('', 500), HTML,
                         JSONResponse({'data': {}})):
            self.answer(None, response)
            report = self.sync.run()
            self.assertIn('tracker', report.unavailable)
            self.assertEqual(self.notes.count(), 4)
        self.server.answer = lambda request: None
        self.assertEqual(self.sync.run().code, 0)
        self.assertEqual(self.notes.count(), 5)

    def test_items_that_move_between_pages(self):
        self.sync.run()

        def move(request):
            if 'offset' in str(request.url) and len(self.server.items) == 4:
                del self.server.items[1]

        self.server.answer = move
        for count in 4, 3:  # the last one has moved to the first page
            self.assertEqual(self.sync.run().code, 0)
            self.assertEqual(self.notes.count(), count)

    def test_lost_replies(self):
        for options in {}, {'idempotency': 'Idempotency-Key'}:
            with self.subTest(options=options):
                self.server.idempotency = bool(options)
                self.prepare(**options)
                title = f'new {options}'
                self.notes.add(Data('issue', None, {'title': title}), title)
                self.server.lost = True
                self.assertIn('tracker', self.sync.run().unavailable)
                self.server.lost = False
                self.assertEqual(self.sync.run().code, 0)
                self.assertEqual(self.titles().count(title), 1)
                again = self.sync.run()
                self.assertEqual((again.code, again.steps), (0, []))

    def test_a_lost_change(self):
        self.sync.run()
        note = next(iter(self.notes.find()))
        self.notes.update(note.id, {'text': 'new'}, note.token)
        self.server.lost = True
        self.assertIn('tracker', self.sync.run().unavailable)
        self.server.lost = False
        self.assertEqual(self.sync.run().code, 0)
        again = self.sync.run()
        self.assertEqual((again.code, again.steps), (0, []))

    def test_a_service_that_rewrites(self):
        self.server.rewrite = lambda document: {
            **document, 'text': (document.get('text') or '').strip()[:5],
            'by': 'the service'}
        self.notes.add(Data('issue', None, {
            'title': 'long', 'text': ' a long text '}), '1')
        self.assertEqual(self.sync.run().code, 0)
        again = self.sync.run()
        self.assertEqual((again.code, again.steps), (0, []))
        texts = {each.fields['title']: each.fields.get('text')
                 for each in self.notes.find()}
        self.assertEqual(texts['long'], ' a long text ')

    def test_a_service_that_is_busy_in_between(self):
        numbers = iter(range(1000))
        self.server.answer = lambda request: Response(
            '', 429, {'Retry-After': '0'}) if next(numbers) % 2 else None
        for number in range(3):
            self.notes.add(Data('issue', None, {'title': f'{number}'}), str(
                number))
        self.assertEqual(self.sync.run().code, 0)
        self.assertEqual(len(self.titles()), 7)
