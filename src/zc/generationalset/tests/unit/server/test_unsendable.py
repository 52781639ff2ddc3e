"""An item that can't be sent doesn't stop all others."""

from zc.generationalset import GSet, check, wire
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import Served, wait
from zc.generationalset.tests.support.streams import Stream
from zc.generationalset.tests.support.things import Lost


class UnsendableTests(Served):

    def test_an_item_that_has_no_form(self):
        with self.changing() as things:
            things.add(frozenset([1j]), 'complex')
            things.add(GSet('below'))
            things['below'].add(Document('fine', 1))
            things['below'].add(1j, 'worse')
            things['below'].add(Document('inf', 1), 'last')
        instead = {'$unreadable':
                   'the server can not send it; its log says more'}
        with Mute('zc.generationalset.server') as mute:
            for _ in range(2):
                answer = self.get(0).json()
            stream = Stream(self.http, 1, self.epoch())
            wait(stream.events)
            self.refused(500, self.http.get('/items/below/worse'),
                         'send this item')
        self.assertEqual(answer['contents'], [
            ['complex', instead], {'id': 'below', 'contents': [
                ['fine', 1], ['worse', instead], ['last', 1]]}])
        self.assertEqual([record.getMessage().partition(' can not')[0]
                          for record in mute.records],
                         ['tree None: the item at complex',
                          'tree None: the item at below/worse'])
        self.assertIn('1j', str(mute.records[0].exc_info[1]))
        with self.changing() as things:
            problems = check(things, encode=wire.encode_entry)
        self.assertEqual([problem.partition(': expected')[0]
                          for problem in problems],
                         ["the set: the item 'complex' can not be sent: "
                          'TypeError', "below: the item 'worse' can not be "
                          'sent: TypeError'])

    def test_ids_that_have_no_form(self):
        with self.changing() as things:
            for id in float('inf'), 5:
                things.add(Document(id, 1))
            things.add(GSet(float('-inf')))
            del things[float('-inf')]
        with Mute('zc.generationalset.server') as mute:
            self.assertEqual(self.get(0).json()['contents'], [[5, 1]])
            self.assertEqual(self.get(1, self.epoch()).json()['adds'],
                             [[5, 1]])
        self.assertEqual(len(mute.records), 2)
        with self.changing() as things, \
                self.assertRaisesRegex(TypeError, 'hashable and ordered'):
            things.add(1, (5, None))

    def test_an_item_that_can_not_be_read_now(self):
        with self.changing() as things:
            things.add(Lost('lost'))
        with Mute('zc.generationalset.server') as mute, \
                Mute('uvicorn.error'):
            self.refused(500, self.http.get('/updates'))
        self.assertIn('the item at lost can not', mute.records[0].getMessage())
