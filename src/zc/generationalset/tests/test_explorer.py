"""The explorer, in a real browser."""

import time
import unittest

from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.server import application
from zc.generationalset.tests.browsing import Browsing, BrowsingServed
from zc.generationalset.tests.serving import Served, served

#: Texts that do harm where they are taken for HTML, a script or a pattern.
HOSTILE = [
    '<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>',
    '"><svg onload=alert(1)>', '${alert(1)}', '{{alert(1)}}', '__proto__',
    'constructor', '&lt;b&gt;', "'", '"', '\\', '%3Cb%3E', '\u202egnp.exe',
    '\x00\x1b[31m', '\U0001f600', 'a\nb', '']

SIGNS = {'added': '+', 'changed': '~', 'removed': '\N{MINUS SIGN}'}


class Explorer(BrowsingServed):
    """A test with an explorer that shows some sets."""

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            things.add(Document('note', {'text': 'Hello'}))
            for name in 'people', 'rooms':
                things.add(GSet(name))
            things['people'].add(Document('ann', {'name': 'Ann'}))
            things['people'].add(Document('bob', {'name': 'Bob'}))
            things['rooms'].add(GSet(7))
            things['rooms'][7].add(Document(1, {'desk': 'of Ann'}))

    def explore(self, path='/explore', **options):
        self.page = self.window(path, **options)
        expect(self.rows('#tree').first).to_be_visible()
        return self.page

    def rows(self, of='#table'):
        return self.page.locator(f'{of} .rows .row')

    def choose_set(self, name):
        self.page.locator('#tree .row', has=self.page.locator(
            '.id', has_text=name)).click()
        expect(self.page.locator('#items-title')).to_contain_text(name)

    def choose_item(self, id):
        self.page.locator('#table .row', has=self.page.locator(
            '.id', has_text=id)).click()

    def text(self, selector):
        return self.page.locator(selector)


class LookingTests(Explorer, unittest.TestCase):

    def test_sets(self):
        page = self.explore()
        expect(page).to_have_title('Explorer')
        expect(self.rows('#tree').locator('.id')).to_have_text(
            ['top', 'people', 'rooms', '7'])
        expect(self.rows('#tree').locator('.count')).to_have_text(
            ['1', '2', '0', '1'])
        expect(self.text('#items')).to_have_text('4')
        expect(self.text('#sets')).to_have_text('4')
        expect(self.text('#epoch')).to_have_text(self.epoch())
        with self.changing() as things:
            generation = things.generation
        expect(self.text('#generation')).to_have_text(str(generation))
        expect(self.text('#state')).to_have_text('Connected')

    def test_items(self):
        self.explore()
        expect(self.rows().locator('.item')).to_have_text(
            ['{"text": "Hello"}'])
        self.choose_set('people')
        expect(self.text('#count')).to_have_text('2 items')
        expect(self.rows().locator('.id')).to_have_text(['bob', 'ann'])
        self.choose_item('ann')
        expect(self.text('#item .path')).to_have_text('people / ann')
        expect(self.text('#item pre')).to_have_text(
            '{\n  "name": "Ann"\n}\n', use_inner_text=False)
        expect(self.text('#item .note')).to_contain_text('from generation 0')

    def test_first_set_with_items(self):
        with self.changing() as things:
            del things['note']
        self.explore()
        expect(self.text('#items-title')).to_have_text('Items of people')

    def test_nothing(self):
        with self.changing() as things:
            things.clear()
        self.explore()
        expect(self.text('#count')).to_have_text('0 items')
        expect(self.rows('#tree').locator('.id')).to_have_text(['top'])
        self.put('milk', {'text': 'Buy milk'})
        expect(self.rows().locator('.id')).to_have_text(['milk'])

    def test_keyboard(self):
        page = self.explore()
        tree, table = page.locator('#tree'), page.locator('#table')
        tree.focus()
        page.keyboard.press('ArrowDown')
        expect(self.text('#items-title')).to_have_text('Items of people')
        expect(page.locator('#tree [aria-selected=true] .id')).to_have_text(
            'people')
        page.keyboard.press('Tab')
        expect(table).to_be_focused()
        page.keyboard.press('ArrowDown')
        expect(self.text('#item .path')).to_have_text('people / bob')
        page.keyboard.press('End')
        expect(self.text('#item .path')).to_have_text('people / ann')
        active = table.get_attribute('aria-activedescendant')
        expect(page.locator(f'[id="{active}"]')).to_have_attribute(
            'aria-selected', 'true')
        tree.focus()
        page.keyboard.press('Home')
        page.keyboard.press('ArrowLeft')
        expect(self.rows('#tree')).to_have_count(1)
        page.keyboard.press('ArrowRight')
        expect(self.rows('#tree')).to_have_count(4)

    def test_names_for_screen_readers(self):
        page = self.explore()
        for role, name in [
                ('navigation', 'Sets'), ('region', 'Items of the top'),
                ('region', 'Item'), ('region', 'Updates'),
                ('region', 'What would a client get?'), ('tree', 'Sets'),
                ('grid', 'Items of the top'), ('searchbox', 'Find'),
                ('spinbutton', 'generation'), ('textbox', 'epoch'),
                ('button', 'Pause'), ('button', 'Ask'),
                ('treeitem', 'people 2 items')]:
            found = page.get_by_role(role, name=name, exact=False)
            self.assertGreaterEqual(found.count(), 1, (role, name))
        self.assertEqual(page.locator('#log[aria-live]').count(), 0)

    def test_on_a_phone(self):
        page = self.explore(viewport={'width': 390, 'height': 844})
        self.assertLessEqual(page.evaluate(
            'document.documentElement.scrollWidth'), 390)
        self.choose_set('people')
        self.choose_item('ann')
        expect(self.text('#item .path')).to_be_visible()


class UpdatesTests(Explorer, unittest.TestCase):

    def first_entry(self):
        return self.page.locator('#log > li').first

    def test_update(self):
        self.explore()
        with self.changing() as things:
            generation = things.generation
            things['people'].add(Document('cy', {'name': 'Cy'}))
            things['people'].remove(things['people']['bob'])
            things.changed(things['note'])
            things['note'].value = {'text': 'Bye'}
        entry = self.first_entry()
        expect(entry.locator('.step')).to_have_text(
            f'{generation} → {generation + 3}')
        answer = self.get(
            generation=generation, epoch=self.epoch()).text
        expect(entry.locator('.size')).to_have_text(f'{len(answer)} chars')
        for kind, sign in SIGNS.items():
            expect(entry.locator(f'summary .{kind}')).to_have_text(f'{sign}1')
        entry.locator('summary').click()
        changes = entry.locator('.changes li')
        expect(changes).to_have_count(3)
        for text in [
                SIGNS['removed'] + ' people / bob {"name": "Bob"}',
                '+ people / cy {"name": "Cy"}', '~ note {"text": "Bye"}']:
            expect(changes.filter(has_text=text)).to_have_count(1)
        expect(self.rows('#tree').locator('.count')).to_have_text(
            ['1', '2', '0', '1'])
        changes.filter(has_text='cy').locator('button').click()
        expect(self.text('#items-title')).to_have_text('Items of people')
        expect(self.text('#item .path')).to_have_text('people / cy')
        expect(self.text('#item .note')).to_contain_text(
            f'from generation {generation} to {generation + 3}')
        expect(self.page.locator('#table [aria-selected=true] .id')
               ).to_have_text('cy')

    def test_chosen_item_changes(self):
        self.put('milk', {'text': 'Buy milk', 'done': False, 'who': 'ann'})
        self.explore()
        self.choose_item('milk')
        expect(self.page.locator('#item mark')).to_have_count(0)
        self.put('milk', {'text': 'Buy milk', 'done': True, 'who': 'ann'})
        expect(self.page.locator('#item mark')).to_have_text(['"done": true,'])
        with self.changing() as things:
            del things['milk']
        expect(self.text('#item .note')).to_contain_text('any more')
        expect(self.text('#item pre')).to_contain_text('"done": true')

    def test_chosen_set_goes(self):
        self.explore()
        self.choose_set('people')
        with self.changing() as things:
            del things['people']
        expect(self.text('#items-title')).to_have_text('Items of the top')
        expect(self.rows('#tree')).to_have_count(3)

    def test_pause(self):
        page = self.explore()
        count = page.locator('#log > li').count()
        page.locator('#pause').click()
        for number in range(3):
            self.put('n', number)
            expect(self.rows().locator('.item').first).to_have_text(
                str(number))
        expect(page.locator('#pause')).to_have_text('Paused, 3 new')
        expect(page.locator('#log > li')).to_have_count(count)
        page.locator('#pause').click()
        expect(page.locator('#log > li')).to_have_count(count + 3)
        expect(self.first_entry().locator('.what')).to_have_text('n')

    def test_log_is_bounded(self):
        page = self.explore()
        page.evaluate('''async () => {
          const { Log } = await import('./static/explore/log.js');
          const list = document.createElement('ol');
          const log = new Log(list, document.createElement('button'));
          for (let i = 0; i < 2000; i += 1) log.note(`note ${i}`);
          window.log = list;
        }''')
        self.assertEqual(page.evaluate('log.childElementCount'), 500)
        self.assertIn('1999', page.evaluate('log.firstChild.textContent'))

    def test_starting_over(self):
        self.explore()
        self.choose_set('people')
        with self.changing() as things:
            things.renew()
        expect(self.text('#epoch')).to_have_text(self.epoch())
        expect(self.page.locator('#log')).to_contain_text(
            'Starts over, because of “epoch”')
        expect(self.text('#items-title')).to_have_text('Items of people')
        expect(self.page.locator('[name=epoch]')).to_have_value(self.epoch())

    def test_offline(self):
        page = self.explore()
        page.route('**/updates*', lambda route: route.abort())
        page.route('**/events*', lambda route: route.abort())
        self.app.state.gset.stop()
        expect(self.text('#state')).to_contain_text('Offline: ')
        expect(self.rows().first).to_contain_text('Hello')


class FindingTests(Explorer, unittest.TestCase):

    def find(self, text):
        self.page.locator('#find').fill(text)

    def test_find(self):
        self.explore()
        self.find('ANN')
        expect(self.text('#items-title')).to_have_text('Items with “ANN”')
        expect(self.text('#count')).to_have_text('2 items')
        self.assertEqual(
            set(self.rows().locator('.id').all_text_contents()),
            {'ann in people', '1 in rooms / 7'})
        self.choose_item('1 in rooms / 7')
        expect(self.text('#item pre')).to_contain_text('"desk": "of Ann"')
        self.find('')
        expect(self.text('#items-title')).to_have_text('Items of the top')

    def test_live(self):
        self.explore()
        self.find('zoe')
        expect(self.text('#count')).to_have_text('0 items')
        self.put('zoe', {'name': 'Zoe'})
        expect(self.rows().locator('.id')).to_have_text(['zoe in the top'])
        self.choose_set('people')
        expect(self.page.locator('#find')).to_have_value('')

    def test_one_search_at_a_time(self):
        """Neither updates nor letters, as they come, keep it from an end."""
        self.assertEqual(self.explore().evaluate("""async () => {
          const { Finder } = await import('./static/explore/finder.js');
          const input = document.createElement('input');
          const [searches, shown] = [[], []];
          const finder = new Finder(input, (text) => new Promise((finish) => {
            searches.push(finish);
          }), (text, result) => shown.push([text, result]));
          const type = (text) => {
            input.value = text;
            input.dispatchEvent(new Event('input'));
          };
          type('a');
          type('ab');
          finder.refresh();
          finder.refresh();
          searches[0](0);
          searches[1](1);
          await new Promise((resolve) => { setTimeout(resolve); });
          searches[2](2);
          await new Promise((resolve) => { setTimeout(resolve); });
          return [searches.length, shown];
        }"""), [3, [['ab', 1], ['ab', 2]]])


class QuestionTests(Explorer, unittest.TestCase):

    def ask(self, generation, epoch=None):
        self.page.locator('[name=generation]').fill(str(generation))
        if epoch is not None:
            self.page.locator('[name=epoch]').fill(epoch)
        self.page.locator('#question button').click()

    def answered(self, why, *texts, status=200):
        expect(self.text('#answer .why')).to_contain_text(why)
        expect(self.text('#answer .verdict')).to_contain_text(f'{status} · ')
        for text in texts:
            expect(self.text('#answer pre')).to_contain_text(text)

    def test_answers(self):
        self.explore()
        with self.changing() as things:
            generation = things.generation
        expect(self.page.locator('[name=epoch]')).to_have_value(self.epoch())
        self.ask(0)
        self.answered('Everything, since the client has nothing: '
                      '4 items, 3 subsets.', '"since": 0')
        self.ask(generation)
        self.answered(f'Nothing changed since {generation}.')
        self.ask(generation - 1)
        self.answered(
            f'Delta, what changed since {generation - 1}: 1 item, 2 subsets',
            '[1, {"desk": "of Ann"}]')
        self.ask(generation + 1)
        self.answered('a generation that the server has', '"reset": "ahead"')
        self.ask(2, 'another')
        self.answered('not of the epoch of the server',
                      '"reset": "epoch"')

    def test_contents(self):
        with self.changing() as things:
            things.maximum_removals = 1
            for id in 'abcde':
                things.add(Document(id, 1))
                things.remove(things[id])
        self.explore()
        self.ask(2)
        self.answered('Contents in the place of a delta')

    def test_size(self):
        self.put('umlaut', 'ü')
        self.explore()
        self.ask(0)
        response = self.get()
        expect(self.text('#answer .verdict')).to_contain_text(
            f'200 · {len(response.content)} B')

    def test_problem(self):
        self.explore()
        self.ask('99999999999999999999')
        self.answered('expected a generation', status=400)

    def test_huge(self):
        self.put('long', ['x' * 100] * 5000)
        self.explore()
        self.ask(0)
        self.answered('Everything', '(cut here)')
        self.assertLess(
            len(self.page.locator('#answer pre').inner_text()), 150_000)


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


class TokenTests(BrowsingServed, unittest.TestCase):

    options = {'tokens': {'secret-of-ann': 'ann'}}

    def use(self, token):
        self.page.locator('#token').fill(token)
        self.page.locator('#access button').click()

    def refused(self, text):
        expect(self.page.locator('#access')).to_contain_text(text)
        expect(self.page.locator('main')).to_be_hidden()
        expect(self.page.locator('#state')).to_have_text('No access')

    def test_token(self):
        self.put('milk', {'text': 'Buy milk'})
        self.page = self.window('/explore')
        self.refused('wants a token')
        self.use('wrong')
        self.refused('know this token')
        self.use('\N{EURO SIGN}')
        self.refused('work')
        self.use('secret-of-ann')
        expect(self.page.locator('#table .row .id')).to_have_text('milk')
        expect(self.page.locator('#access')).to_be_hidden()
        self.page.locator('#question button').click()
        expect(self.page.locator('#answer .verdict')).to_contain_text('200')
        self.page.reload()
        expect(self.page.locator('#table .row .id')).to_have_text('milk')
        # It is in this tab only, and nowhere else.
        self.assertEqual(self.page.evaluate(
            '[localStorage.length, document.cookie, location.href]'),
            [0, '', f'{self.url}/explore'])
        other = self.window('/explore', self.page.context)
        expect(other.locator('#access')).to_be_visible()
        self.page.locator('#forget').click()
        self.refused('wants a token')

    def test_taken_away(self):
        self.page = self.window('/explore')
        self.use('secret-of-ann')
        expect(self.page.locator('main')).to_be_visible()
        access = self.app.state.gset.access
        access._authenticate = lambda request: None
        self.app.state.gset.stop()  # all streams
        self.refused('know this token')


class RefusingTests(Browsing, Served, unittest.TestCase):

    def serve(self, error):
        def name(request):
            raise error
        app = application(
            self.db, lambda root, name: None, name=name)
        self.url = self.stack.enter_context(served(app))

    def check(self, *texts):
        page = self.window('/explore')
        for text in texts:
            expect(page.locator('#access')).to_contain_text(text)

    def test_forbidden(self):
        self.serve(PermissionError('not ann'))
        self.check('let this user see', '403: not ann')

    def test_no_tree(self):
        self.serve(LookupError())
        self.check('There is no set', '404: there is no such tree')


class MountedTests(BrowsingServed, unittest.TestCase):

    def test_below_a_prefix(self):
        self.put('milk', {'text': 'Buy milk'})
        app = Starlette(routes=[Mount('/some/where', self.app)])
        app.state.gset = self.app.state.gset
        with served(app) as self.url:
            for path in '/some/where/explore', '/some/where/explore/':
                page = self.window(path)
                expect(page.locator('#table .row .id')).to_have_text('milk')
                page.locator('#question button').click()
                expect(page.locator('#answer .verdict')).to_contain_text('200')
                self.assertEqual(page.url, f'{self.url}/some/where/explore')


class OriginsTests(BrowsingServed, unittest.TestCase):

    def test_pages_of_other_origins(self):
        """They may import the client, and use it, if they are configured."""
        empty = Starlette(routes=[
            Route('/', lambda request: HTMLResponse('<!doctype html>'))])
        empty.state.gset = self.app.state.gset
        self.put('milk', {'text': 'Buy milk'})
        with served(empty) as pages:
            app = application(
                self.db, lambda root: root['things'], origins=(pages,))
            with served(app) as allowing:
                for url, result in [(allowing, 'Buy milk'),
                                    (self.url, 'refused')]:
                    page = self.context().new_page()
                    page.goto(pages)
                    self.assertEqual(page.evaluate(IMPORT, url), result)
                [complaint] = self.complaints
                self.assertIn('blocked by CORS policy', complaint)
                self.complaints.clear()


IMPORT = """async (url) => {
  let module;
  try {
    module = await import(`${url}/static/gset.js`);
  } catch {
    return 'refused';
  }
  const client = new module.Client(url);
  await client.start();
  client.close();
  return client.items.get('milk').text;
}"""
