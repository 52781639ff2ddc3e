"""The page of ``gset sync watch --serve``, in a real browser."""

import argparse
import contextlib
import json
import threading
import unittest
from importlib import resources
from unittest import mock

import httpx
import ZODB
from playwright.sync_api import expect

from zc.generationalset.commands import hub
from zc.generationalset.commands.tokens import Tokens
from zc.generationalset.sync import Data, Hub, Synchronizer, Type, watching
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.tests.support.browsing import Browsing
from zc.generationalset.tests.support.serving import served, wait

TYPE = Type('issue', {'title': 'str', 'state': 'enum:open,done',
                      'size': 'int'}, ['title'])


class SyncTests(Browsing, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.stack.enter_context(mock.patch.object(watching, 'PULSE', 0.05))
        self.db = ZODB.DB(None)
        self.stack.callback(self.db.close)
        self.stores = [MemoryStore(name, ['issue'], read_only=False)
                       for name in ('notes', 'table')]
        self.issues = [store.accessors['issue'] for store in self.stores]
        self.sync = Synchronizer(Hub(self.db), self.stores, [TYPE])
        for number in range(20):
            self.issues[0].add(Data('issue', None, {
                'title': f'Issue {number}', 'state': 'open', 'size': number}),
                str(number))
        self.sync.run()

    def start(self, tokens=None, read_only=False):
        """Serve the hub, and watch the stores."""
        options = argparse.Namespace(
            streams=100, origin=[], read_only=read_only)
        app = hub.application(self.sync, tokens or Tokens(None, None), options)
        self.url = self.stack.enter_context(served(app))
        watch = threading.Thread(
            target=lambda: list(self.sync.watch(interval=3600)))
        watch.start()
        self.stack.callback(watch.join)
        self.stack.callback(self.sync.stop)

    def change(self, number, title, **fields):
        issues = self.issues[number]
        [id] = [each.id for each in issues.find()
                if each.fields['title'] == title]
        issues.update(id, fields, None)

    def values(self, title, field):
        return [each.fields.get(field) for issues in self.issues
                for each in list(issues.find())
                if each.fields['title'] == title]

    def conflict(self, **more):
        """Let two people change an issue at the same time."""
        with self.sync._lock:
            self.change(0, 'Issue 3', size=100)
            self.change(1, 'Issue 3', size=200)
        return self.page.locator('#conflicts > li')

    def open(self, **options):
        self.page = self.window(**options)
        expect(self.page.locator('#main')).to_be_visible()
        return self.page

    def test_a_conflict(self):
        self.start()
        page = self.open()
        expect(page.locator('#state')).to_have_text('Connected')
        entry = self.conflict()
        expect(entry.locator('h3')).to_have_text('issue Issue 3: size')
        expect(page).to_have_title('(1) Stores kept equal')
        expect(entry.locator('dd:not(.choice)')).to_have_text(['100', '200'])
        entry.get_by_role('button', name='Take that of table').click()
        expect(entry).to_have_count(0)
        wait(lambda: self.values('Issue 3', 'size') == [200, 200])
        expect(page.locator('#conflicts-title')).to_be_focused()
        expect(page.locator('#said')).to_contain_text('Settled: issue/')
        expect(page.locator('#runs summary').first).to_contain_text('1 step')

    def test_another_value(self):
        self.start()
        page = self.open()
        entry = self.conflict()
        field = entry.get_by_label('Another value')
        field.fill('many')
        # Others change, and the field stays as it is.
        self.change(0, 'Issue 4', state='done')
        wait(lambda: self.values('Issue 4', 'state') == ['done', 'done'])
        field.press('Enter')
        expect(entry.locator('.refused')).to_have_text(
            "That was refused: expected int, got 'many'")
        expect(field).to_have_value('many')
        field.fill('150')
        page.keyboard.press('Tab')
        page.keyboard.press('Enter')
        expect(entry).to_have_count(0)
        wait(lambda: self.values('Issue 3', 'size') == [150, 150])

    def test_held(self):
        self.start()
        page = self.open()
        with self.sync._lock:
            for each in list(self.issues[0].find()):
                self.issues[0].remove(each.id, None)
        entry = page.locator('#held > li')
        expect(entry).to_contain_text('20 of 20 items removed')
        page.locator('#ask').click()
        expect(page.locator('#answer')).to_have_text('0 steps')
        self.assertEqual(self.issues[1].count(), 20)
        entry.get_by_role('button', name='Let these go').click()
        expect(entry).to_have_count(0)
        wait(lambda: self.issues[1].count() == 0)

    def test_a_conflict_that_has_changed(self):
        """What somebody decides is about what they have seen."""
        self.start()
        page = self.open()
        entry = self.conflict()
        expect(entry).to_have_count(1)
        page.route('**/decisions', lambda route: route.continue_(
            post_data=json.dumps({**json.loads(route.request.post_data),
                                  'digest': 'old'})))
        entry.get_by_role('button', name='Take that of notes').click()
        expect(entry.locator('.refused')).to_have_text(
            'That was refused: it has changed meanwhile; look again')

    def test_who_may_decide(self):
        tokens = Tokens(None, 'secret')
        self.start(tokens, read_only=True)
        page = self.window()
        expect(page.locator('#access')).to_be_visible()
        page.get_by_label('Token').fill('secret')
        page.get_by_label('Token').press('Enter')
        expect(page.locator('#state')).to_have_text(
            'Connected: you may look, not decide')
        self.page = page
        entry = self.conflict()
        expect(entry).to_have_count(1)
        expect(entry.get_by_role('button')).to_have_count(0)
        decision = {'decision': 'resolve', 'id': 'x', 'store': 'notes'}
        for headers, status in [
                ({}, 401), ({'authorization': 'Bearer secret'}, 403)]:
            for path in '/decisions', '/plan':
                response = httpx.post(
                    self.url + path, json=decision, headers=headers)
                self.assertEqual(response.status_code, status)

    def test_two_decisions(self):
        """The second one is told of the first, which no run has followed."""
        self.start()
        self.open()
        entry = self.conflict()
        expect(entry).to_have_count(1)
        with self.sync._lock:  # so that no run begins
            [(id, conflict)] = self.sync.status()['conflicts']
            self.sync.resolve_as(id, 'notes')
            entry.get_by_role('button', name='Take that of table').click()
            expect(entry.locator('.refused')).to_contain_text(
                'somebody has decided already: 100')
            response = httpx.post(self.url + '/decisions', json={
                'decision': 'resolve', 'id': id, 'store': 'table',
                'digest': conflict['digest']})
            self.assertEqual(response.status_code, 409)
            self.assertEqual(response.json()['decision']['value'], 100)
        wait(lambda: self.values('Issue 3', 'size') == [100, 100])

    def test_what_is_held_for_another_reason(self):
        for issues, title in zip(self.issues, 'xX', strict=True):
            issues.add(Data('issue', None, {'title': title}), title)
        [id] = self.sync.run().held
        self.start()
        for decision, status in [
                ({'decision': 'release'}, 400),
                ({'decision': 'release', 'digest': 'x'}, 409),
                ({'decision': 'match'}, 204)]:
            response = httpx.post(
                self.url + '/decisions', json={'id': id, **decision})
            self.assertEqual(response.status_code, status, response.text)

    def test_requests(self):
        self.start()

        def post(content, **headers):
            return httpx.post(self.url + '/decisions', content=content,
                              headers={'content-type': 'application/json',
                                       **headers}).status_code

        self.assertEqual(post('{}', origin='https://example.org'), 403)
        self.assertEqual(post('{}', **{'content-type': 'text/plain'}), 415)
        self.assertEqual(post('{}', host='example.org'), 400)
        for content, status in [
                ('', 400), ('[]', 400), ('{}', 400), ('{"id": "x"}', 400),
                ('{"id": "x", "decision": "resolve"}', 404),
                ('{"id": "x", "decision": "release"}', 404),
                ('{"id": "x", "decision": "match"}', 404),
                ('1' * (hub.LONGEST + 1), 413)]:
            self.assertEqual(post(content), status, content[:50])
        self.assertEqual(httpx.put(
            self.url + '/items/conflicts/x', json=1).status_code, 403)

    def test_accessibility(self):
        axe = (resources.files('axe_playwright_python')
               / 'axe.min.js').read_text(encoding='utf-8')
        self.start()
        for scheme, width in [('light', 1000), ('dark', 320)]:
            page = self.open(color_scheme=scheme, viewport={
                'width': width, 'height': 700})
            expect(self.conflict()).to_have_count(1)
            with self.sync._lock:
                for each in list(self.issues[0].find())[5:]:
                    self.issues[0].remove(each.id, None)
            expect(page.locator('#held > li')).to_have_count(1)
            page.evaluate(axe)
            found = page.evaluate('axe.run()')
            self.assertEqual([
                (each['id'], [node['html'] for node in each['nodes']])
                for each in found['violations']], [])
            self.assertLessEqual(page.evaluate(
                'document.documentElement.scrollWidth'), width)
