"""docs/react.txt and examples/react: the same application, built by vite."""

import json
import os
import shutil
import unittest
from pathlib import Path

from playwright.sync_api import expect

from zc.generationalset.client import Client
from zc.generationalset.tests.support import programs
from zc.generationalset.tests.support.browsing import Browsing
from zc.generationalset.tests.support.commands import Serving
from zc.generationalset.tests.support.guides import Guide
from zc.generationalset.tests.support.places import EXAMPLES
from zc.generationalset.tests.support.serving import wait

EXAMPLE = EXAMPLES / 'react'
COUNT = 10_000
#: What the tests put into the application, to count what React renders.
ROW = 'memo(({ id, task }) => {\n'
COUNTED = ROW + '  (globalThis.rendered ??= []).push(id);\n'


class FilesTests(unittest.TestCase):

    def setUp(self):
        self.guide = Guide('react.txt')

    def test_the_page_has_the_files_of_the_example(self):
        sources = [f'src/{path.name}' for path in EXAMPLE.glob('src/*')]
        self.assertEqual(len(sources), 4)
        for name in 'vite.config.js', 'index.html', *sources:
            with self.subTest(name=name):
                self.assertEqual(
                    self.guide.block(name) + '\n',
                    (EXAMPLE / name).read_text('utf-8'))
        self.assertIn(self.guide.block('.npmrc'),
                      (EXAMPLE / '.npmrc').read_text('utf-8').splitlines())

    def test_the_page_has_the_packages_of_the_example(self):
        page = json.loads(self.guide.block('package.json'))
        example = json.loads((EXAMPLE / 'package.json').read_text('utf-8'))
        path = example['dependencies'].pop('zc-generationalset')
        self.assertEqual(page, example)
        [install] = [words for words in self.guide.commands()
                     if words[:2] == ['npm', 'install']]
        self.assertEqual(Path(install[2]), Path(
            os.path.normpath(EXAMPLE / path.removeprefix('file:'))))


class PageTests(Browsing, Serving):

    level = 2

    def setUp(self):
        super().setUp()
        root = Path(self.directory)
        self.example = root / 'examples' / 'react'
        shutil.copytree(EXAMPLE, self.example, ignore=shutil.ignore_patterns(
            'node_modules', 'dist'))
        (root / 'src').symlink_to(EXAMPLES.parent / 'src')
        task = self.example / 'src' / 'Task.jsx'
        text = task.read_text('utf-8')
        self.assertEqual(text.count(ROW), 1)
        task.write_text(text.replace(ROW, COUNTED), 'utf-8')
        try:
            self.npm('ci')
        except programs.Missing as missing:
            self.skipTest(str(missing))
        self.npm('run', 'build')
        served = self.serving('Tasks.fs', '--pages',
                              str(self.example / 'dist'))
        served.__enter__()
        self.addCleanup(served.__exit__, None, None, None)

    def npm(self, *words):
        node = programs.node()
        programs.call([*node.npm, *words], cwd=self.example,
                      env={**os.environ, **node.environment})

    def texts(self, page):
        return page.get_by_label('Text').evaluate_all(
            'fields => fields.map(({ value }) => value)')

    def shows(self, page, *texts):
        wait(lambda: self.texts(page) == list(texts))

    def test_application(self):
        first, second = self.window(), self.window()
        self.write(first, second)
        self.refuse(first, second)
        first.close()
        second.close()
        self.render_one_of_many()

    def write(self, first, second):
        """One window writes, and both show it."""
        batches = []
        first.route('**/batch*', lambda route: batches.append(route))
        first.get_by_label('New task').fill('Buy milk')
        first.get_by_text('Add').click()
        self.shows(first, 'Buy milk')  # before the server has it
        wait(lambda: first.title() and batches)
        self.assertEqual(self.texts(second), [])
        batches[0].continue_()
        first.unroute('**/batch*')
        self.shows(second, 'Buy milk')
        field = second.get_by_label('Text')
        field.fill('Buy more milk')
        self.assertEqual(self.texts(first), ['Buy milk'])
        field.press('Enter')
        self.shows(first, 'Buy more milk')
        second.get_by_label('Done').check()
        expect(first.get_by_label('Done')).to_be_checked()

    def refuse(self, first, second):
        """Both windows edit a text."""
        first.get_by_label('Text').fill('Mine')
        second.get_by_label('Text').fill('Theirs')
        second.get_by_label('Text').press('Enter')
        expect(first.locator('em')).to_have_text('Now: Theirs')
        first.get_by_label('Text').press('Escape')
        self.shows(first, 'Theirs')
        batches = []
        first.route('**/batch*', lambda route: batches.append(route))
        first.get_by_label('Text').fill('Late')
        first.get_by_label('Text').press('Enter')
        wait(lambda: first.title() and batches)
        second.get_by_label('Text').fill('Early')
        with second.expect_response('**/batch*'):  # the server has it
            second.get_by_label('Text').press('Enter')
        batches[0].continue_()
        first.unroute('**/batch*')
        expect(first.get_by_role('status')).to_contain_text(
            'Somebody else was faster')
        self.shows(first, 'Early')
        second.get_by_text('Remove').click()
        self.shows(first)

    def render_one_of_many(self):
        with Client(self.url) as client:
            client.batch([
                ('put', (f't{number}',), {
                    'text': f'Task {number}', 'done': False, 'made': number})
                for number in range(COUNT)])
            page = self.window()
            rows = page.locator('li')
            expect(rows).to_have_count(COUNT)
            page.evaluate('() => { rendered = []; }')
            client.patch(('t7',), {'text': 'Changed'})
            expect(rows.nth(7).get_by_label('Text')).to_have_value('Changed')
            self.assertEqual(page.evaluate('rendered'), ['t7'])
