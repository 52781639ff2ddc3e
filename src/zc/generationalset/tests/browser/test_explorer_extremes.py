"""The explorer shows any data, however strange and however much."""

import time
import unittest

from playwright.sync_api import expect

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.browsing import BrowsingServed
from zc.generationalset.tests.support.exploring import Explorer

#: Texts that do harm where they are taken for HTML, a script or a pattern.
HOSTILE = [
    '<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>',
    '"><svg onload=alert(1)>', '${alert(1)}', '{{alert(1)}}', '__proto__',
    'constructor', '&lt;b&gt;', "'", '"', '\\', '%3Cb%3E', '\u202egnp.exe',
    '\x00\x1b[31m', '\U0001f600', 'a\nb', '']


class HostileTests(Explorer, unittest.TestCase):

    def test_texts_stay_texts(self):
        with self.changing() as things:
            things.clear()
            hostile = GSet('hostile')
            things.add(hostile)
            for text in HOSTILE:
                hostile.add(Document(text, {text: text, 'list': [text]}))
                inner = GSet(f'{text} set')
                things.add(inner)
                inner.add(Document(text, text))
        self.explore()
        dialogs = []
        self.page.on('dialog', lambda dialog: dialogs.append(dialog.dismiss()))
        self.choose_set('hostile')
        expect(self.rows()).to_have_count(len(HOSTILE))
        for row in self.rows().all():
            row.click()
        self.page.locator('#log summary').last.click()
        self.page.locator('#find').fill('alert')
        expect(self.text('#items-title')).to_have_text('Items with “alert”')
        self.page.locator('#find').fill('<img')
        expect(self.text('#items-title')).to_have_text('Items with “<img”')
        expect(self.text('#count')).to_have_text('2 items')
        self.rows().first.click()
        expect(self.text('#item pre')).to_contain_text(HOSTILE[0])
        self.page.locator('#question button').click()
        expect(self.text('#answer pre')).to_contain_text(HOSTILE[0])
        with self.changing() as things:
            for text in HOSTILE:
                things['hostile'].add(Document(text, [text, text]))
        self.page.locator('#log summary').first.click()
        expect(self.page.locator('#log .changes').first).to_contain_text(
            HOSTILE[0])
        self.assertEqual(self.page.locator('img, svg, script:not([src])'
                                           ).count(), 0)
        self.assertEqual(dialogs, [])

    def test_ids_can_be_told_apart(self):
        ids = [1, '1', '"1"', '\\"1\\"', ' a', 'a', 'a ', '-', '-1', -1,
               2.5, '2.5', {'$tuple': ['a', 1]}, '{"$tuple":["a",1]}', 'a b',
               'a\\nb', '1e5', '+1', '.5', *HOSTILE]
        page = self.explore()
        shown = page.evaluate("""async (ids) => {
          const { idText } = await import('./static/explore/json.js');
          return ids.map(idText);
        }""", ids)
        self.assertEqual(len(set(shown)), len(ids))
        self.assertEqual(shown[:3], ['1', '"1"', r'"\"1\""'])
        self.assertEqual(shown[5], 'a')


class ManyTests(BrowsingServed, unittest.TestCase):

    COUNT = 10_000

    def test_many_items(self):
        with self.changing() as things:
            for number in range(self.COUNT):
                things.add(Document(f'id-{number}', {'number': number}))
        context = self.context()
        context.add_init_script('''
          window.tasks = [];
          new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) {
              tasks.push(duration);
            }
          }).observe({ type: 'longtask', buffered: true });
        ''')
        started = time.monotonic()
        page = self.window('/explore', context)
        rows = page.locator('#table .rows .row')
        expect(rows.first).to_be_visible()
        usable = time.monotonic() - started
        expect(page.locator('#items')).to_have_text(f'{self.COUNT:,}')
        self.assertLess(rows.count(), 100)
        expect(rows.first.locator('.id')).to_have_text(f'id-{self.COUNT - 1}')
        page.locator('#table').focus()
        page.keyboard.press('End')
        expect(rows.last.locator('.id')).to_have_text('id-0')
        expect(page.locator('#item pre')).to_contain_text('"number": 0')
        self.assertLess(rows.count(), 100)
        # Who has scrolled down goes on looking at the same.
        page.locator('#table').evaluate('(box) => { box.scrollTop = 5000; }')
        expect(rows.first.locator('.id')).to_contain_text('id-98')
        seen = page.evaluate(FIRST_SEEN)
        self.put('new', 1)
        expect(page.locator('#items')).to_have_text(f'{self.COUNT + 1:,}')
        self.assertEqual(page.evaluate(FIRST_SEEN), seen)
        page.locator('#find').fill('id-77')
        expect(page.locator('#count')).to_have_text('111 items')
        self.assertLess(page.locator('.row').count(), 150)
        longest = max(page.evaluate('tasks'), default=0)
        print(f'\n{self.COUNT:,} items: usable after {usable:.1f} s, '
              f'longest task {longest:.0f} ms')


#: The id of the first row that can be seen.
FIRST_SEEN = '''() => {
  const top = document.querySelector('.head').getBoundingClientRect().bottom;
  return [...document.querySelectorAll('#table .rows .row')].find(
    (row) => row.getBoundingClientRect().bottom > top + 1,
  ).querySelector('.id').textContent;
}'''
