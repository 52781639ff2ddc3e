"""The explorer, in a real browser."""

import unittest

from playwright.sync_api import expect

from zc.generationalset.documents import Document
from zc.generationalset.tests.support.browsing import stop_clock
from zc.generationalset.tests.support.exploring import Explorer

SIGNS = {'added': '+', 'changed': '~', 'removed': '\N{MINUS SIGN}'}


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

    def test_the_way_back(self):
        page = self.explore()
        page.get_by_role('link', name='Home').click()
        expect(page).to_have_url(f'{self.url}/')

    def test_the_answer_that_an_item_came_with(self):
        self.explore()
        expect(self.page.get_by_role(
            'columnheader', name='Came with answer')).to_be_visible()
        generation = self.get().json()['generation']
        # Items of different generations came with one answer.
        expect(self.rows().locator('.when span')).to_have_text(
            [f'\u2192 {generation}'])
        self.choose_set('people')
        expect(self.rows().locator('.when span')).to_have_text(
            2 * [f'\u2192 {generation}'])

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
        active = page.locator('#table [aria-selected=true]')
        expect(active.locator('.id')).to_have_text('ann')
        expect(table).to_have_attribute(
            'aria-activedescendant', active.get_attribute('id'))
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
            with self.subTest(role, name=name):
                expect(page.get_by_role(
                    role, name=name, exact=False).first).to_be_attached()
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
        page.clock.install()
        page.reload()
        expect(self.rows().first).to_contain_text('Hello')
        page.route('**/updates*', lambda route: route.abort())
        page.route('**/events*', lambda route: route.abort())
        self.app.state.gset.stop()
        expect(self.text('#state')).to_contain_text('Offline: ')
        expect(self.rows().first).to_contain_text('Hello')
        button = page.locator('#retry')
        expect(button).to_be_visible()
        stop_clock(page)  # so that it doesn't try by itself
        page.unroute('**/updates*')
        page.unroute('**/events*')
        button.dispatch_event('click')  # it is hidden if a try is under way
        expect(self.text('#state')).to_have_text('Connected')
        expect(button).to_be_hidden()


class FindingTests(Explorer, unittest.TestCase):

    def find(self, text):
        self.page.locator('#find').fill(text)

    def test_find(self):
        self.explore()
        self.find('ANN')
        expect(self.text('#items-title')).to_have_text('Items with “ANN”')
        expect(self.text('#count')).to_have_text('2 items')
        expect(self.rows()).to_have_count(2)
        for id in 'ann in people', '1 in rooms / 7':
            expect(self.rows().locator('.id', has_text=id)).to_have_text(id)
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
