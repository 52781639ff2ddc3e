"""Large answers in pages, over HTTP."""

import json
from itertools import pairwise
from unittest import mock

from zc.generationalset import GSet, wire
from zc.generationalset.answers import Position
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica
from zc.generationalset.server import application, encoding
from zc.generationalset.sources import cursors
from zc.generationalset.tests.support.memory import MemorySource
from zc.generationalset.tests.support.serving import Served, served

TEXT = 'x' * 300


class Copies(Served):

    def setUp(self):
        super().setUp()
        self.stack.enter_context(mock.patch.multiple(
            encoding, PAGE=10, SMALL=4000))

    def fill(self, ids, value=TEXT):
        with self.changing() as things:
            for id in ids:
                things.add(Document(id, value))

    def page(self, cursor='', generation=0, epoch=None, http=None):
        params = {'cursor': cursor, 'generation': generation}
        if epoch is not None:
            params['epoch'] = epoch
        return (http or self.http).get('/updates', params=params)

    def pages(self, replica):
        """Ask for pages until there are no more; return them."""
        pages = []
        while not pages or 'next' in pages[-1]:
            response = self.page(
                replica.cursor, replica.generation, replica.epoch)
            self.assertEqual(response.status_code, 200, response.text)
            self.assertLess(len(response.content), 6000)
            pages.append(response.json())
            replica.apply(wire.decode(response.content))
        return pages


class PagesTests(Copies):

    def test_what_is_small_has_no_pages(self):
        self.fill('ab')
        self.assertEqual(self.page().json(), self.http.get('/updates').json())

    def test_who_presents_no_cursor_gets_no_pages(self):
        self.fill(range(50))
        self.assertEqual(
            len(self.http.get('/updates').json()['contents']), 50)

    def test_a_first_copy(self):
        self.fill(range(50))
        with self.changing() as things:
            things.add(Document(99, 1))
        replica = Replica()
        pages = self.pages(replica)
        self.assertEqual(len(pages), 6)
        for page, following in pairwise(pages):
            self.assertNotIn('contents', page)
            self.assertEqual(page['next'], following['cursor'])
        self.assertNotIn('cursor', pages[0])
        self.assertIn('contents', pages[-1])
        self.assertEqual(list(replica.items), [*range(50), 99])
        with self.changing() as things:
            self.assertEqual(replica.generation, things.generation)

    def test_what_changed(self):
        self.fill(range(100))
        replica = Replica()
        replica.apply(wire.decode(self.http.get('/updates').content))
        with self.changing() as things:
            for id in range(0, 50, 2):
                del things[id]
            for id in range(50, 100, 2):
                things[id].value = TEXT + 'y'
                things.changed(things[id])
        pages = self.pages(replica)
        self.assertGreater(len(pages), 3)
        listed = [len(page.get('removals', [])) + len(page.get('adds', []))
                  for page in pages]
        self.assertEqual(sum(listed), 50)
        self.assertLess(max(listed), 11)
        self.assertEqual(
            set(replica.items), {*range(1, 50, 2), *range(50, 100)})

    def test_what_is_kept(self):
        """Behind the floor, ids need less room than entries."""
        with self.changing() as things:
            things.maximum_removals = 0
        self.fill(range(200))
        replica = Replica()
        replica.apply(wire.decode(self.http.get('/updates').content))
        with self.changing() as things:
            del things[100]
            for id in range(0, 200, 40):
                things[id].value = TEXT + 'y'
                things.changed(things[id])
            for id in range(200, 230):
                things.add(Document(id, TEXT))
        pages = self.pages(replica)
        entries = [entry for page in pages
                   for entry in page.get('adds', page.get('contents', []))]
        self.assertEqual(
            [id for id, _ in entries],
            [0, 40, 80, 120, 160, *range(200, 230)])
        self.assertEqual(
            sum(len(page.get('keep', ())) for page in pages), 194)
        self.assertLess(len(pages), 10)
        with self.changing() as things:
            self.assertEqual(dict(replica.items), {
                id: item.value for id, item in things.items()})
            self.assertEqual(replica.generation, things.generation)

    def test_a_page_that_is_too_large_becomes_smaller(self):
        self.fill(range(20), TEXT * 4)
        self.fill(range(20, 30), 'y')
        replica = Replica()
        listed = [len(page.get('adds', page.get('contents')))
                  for page in self.pages(replica)]
        self.assertEqual(listed, [2] * 9 + [10, 2])
        self.assertEqual(len(replica.items), 30)

    def test_an_item_that_is_too_large_for_a_page(self):
        self.fill(range(3), TEXT * 30)
        replica = Replica()
        for _ in range(4):
            replica.apply(wire.decode(self.page(replica.cursor).content))
        self.assertEqual(len(replica.items), 3)
        self.assertEqual(replica.cursor, '')

    def test_ids_that_are_too_long_for_a_cursor(self):
        """Pages end only after others."""
        short = [f'{number:03}' for number in range(40)]
        long = [f'{number:03}' + 'x' * 5000 for number in range(0, 40, 2)]
        self.fill([*short, *long], 1)
        with mock.patch.object(encoding, 'SMALL', 60_000):
            replica = Replica()
            count = 0
            while not count or replica.cursor:
                self.assertLessEqual(len(replica.cursor), cursors.LENGTH)
                replica.apply(wire.decode(self.page(replica.cursor).content))
                count += 1
        self.assertEqual(len(replica.items), 60)
        self.assertGreater(count, 3)

    def test_another_epoch(self):
        self.fill(range(50))
        answer = self.page(generation=7, epoch='x').json()
        self.assertEqual(
            (answer['reset'], answer['since_epoch'], answer['since']),
            ('epoch', 'x', 7))
        self.assertEqual(len(answer['adds']), 10)
        replica = Replica()
        replica.epoch, replica.generation = 'x', 7
        self.pages(replica)
        self.assertEqual(len(replica.items), 50)

    def test_many_who_ask_share_a_page(self):
        self.fill(range(50))
        cursor = self.page().json()['next']
        first = self.page(cursor).content
        with mock.patch.object(self.db, 'open', None):
            self.assertEqual(self.page(cursor).content, first)

    def test_compression(self):
        self.fill(range(50))
        response = self.page()
        self.assertEqual(response.headers['content-encoding'], 'gzip')
        self.assertIn('next', response.json())

    def test_no_more_objects_stay_in_memory(self):
        self.fill(range(300))
        sizes = []
        cursor = ''
        for _ in range(20):
            cursor = self.page(cursor).json()['next']
            sizes.append(self.db.cacheSize())
        self.assertLess(max(sizes), 200)


class CursorsTests(Copies):
    """Cursors that the server doesn't know: nothing is sent."""

    def setUp(self):
        super().setUp()
        self.fill(range(50))
        self.cursor = self.page().json()['next']

    def gone(self, cursor, *asked):
        return self.refused(410, self.page(cursor, *asked), 'with an empty')

    def test_unknown(self):
        epoch = self.epoch()
        for cursor in [
                'x', '%', '\0', 'ä', 'AAAA', self.cursor[:-8],
                'x' + self.cursor, 'x' * cursors.LENGTH,
                'x' * (cursors.LENGTH + 1)]:
            with self.subTest(cursor=cursor[:20]):
                self.gone(cursor)
        for place in [
                (), (epoch,), (epoch, 1), (epoch, 1, 0), (epoch, 'x', 0, 1),
                (epoch, 1, 'x', 1), (epoch, 1, 0, 'x'), (epoch, 0, 0, 1),
                (epoch, 1, 0, (1, 2))]:
            with self.subTest(place=place):
                self.gone(cursors.write_cursor(Position(epoch, 9), [place]))
        self.gone(cursors.write_cursor(Position('x', 9), [(epoch, 1, 0, 1)]))

    def test_of_sets_that_are_no_sets(self):
        epoch = self.epoch()
        cursor = cursors.write_cursor(
            Position(epoch, 9), [(epoch, 1, 0, 5, 1, 0, 'x')])
        page = self.page(cursor).json()
        self.assertEqual(page['adds'][0][0], 6)

    def test_of_another_epoch(self):
        with self.changing() as things:
            things.renew()
        self.gone(self.cursor)

    def test_of_a_position_in_another_epoch(self):
        self.gone(self.cursor, 5, 'x')
        self.gone(self.cursor, 999, self.epoch())

    def test_of_another_set(self):
        with self.db.transaction() as connection:
            connection.root.other = other = GSet()
            other.add(Document(1, 1))
        app = application(self.db, lambda root: root['other'])
        with served(app) as url, type(self.http)(base_url=url) as http:
            self.refused(410, self.page(self.cursor, http=http))

    def test_of_a_sibling(self):
        """Subsets share their tree's numbers, but each has its cursors."""
        with self.changing() as things:
            for name in 1001, 1002:
                things.add(subset := GSet(name))
                for number in range(50):
                    subset.add(Document(number, TEXT))
        app = application(
            self.db, lambda root, name: root['things'][int(name)], write=False,
            name=lambda request: request.headers['x-set'])
        with served(app) as url:
            one, two = [
                self.stack.enter_context(type(self.http)(
                    base_url=url, headers={'x-set': name}))
                for name in ('1001', '1002')]
            cursor = self.page(http=one).json()['next']
            self.assertEqual(self.page(cursor, http=one).status_code, 200)
            self.refused(410, self.page(cursor, http=two))
            self.refused(410, self.page(self.cursor, http=one))

    def test_after_removals_were_forgotten(self):
        """Pages of changes can't go on; those of contents can."""
        generation, epoch = 1, self.epoch()
        cursor = self.page('', generation, epoch).json()['next']
        self.assertEqual(
            self.page(cursor, generation, epoch).status_code, 200)
        with self.changing() as things:
            things.maximum_removals = 0
            del things[3]
            things.add(Document(60, 1))
        self.gone(cursor, generation, epoch)
        self.assertEqual(self.page(self.cursor).status_code, 200)

    def test_of_a_source_without_pages(self):
        app = application(MemorySource(None))
        http = self.stack.enter_context(type(self.http)(
            base_url=self.stack.enter_context(served(app))))
        self.refused(410, self.page(self.cursor, http=http))
        self.assertEqual(self.page(http=http).json()['contents'], [])

    def test_text_of_a_cursor_tells_what_to_do(self):
        problem = json.loads(self.page('x').content)
        self.assertEqual(problem['title'], 'Gone')
