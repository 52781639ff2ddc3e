"""The board's button "Notify me"."""

import json
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from zc.generationalset.commands import demo
from zc.generationalset.push import VAPID, Patience, Pusher, Subscriptions
from zc.generationalset.push.endpoint import routes
from zc.generationalset.tests.support.accessibility import violations
from zc.generationalset.tests.support.boards import BoardServed
from zc.generationalset.tests.support.browsers import Browser
from zc.generationalset.tests.support.receivers import Receiver, pushing
from zc.generationalset.tests.support.serving import wait

#: Stands for the browser's push service, which is on the internet, and for the
#: user, whom a browser without windows can't ask.
STAND_IN = '''
(({ permission, subscription }) => {
  let now = permission;
  const made = {
    toJSON: () => subscription,
    unsubscribe: async () => sessionStorage.removeItem('made'),
  };
  Object.defineProperty(Notification, 'permission', { get: () => now });
  Notification.requestPermission = async () => {
    now = now === 'default' ? 'granted' : 'denied';
    return now;
  };
  PushManager.prototype.getSubscription = async () => (
    sessionStorage.getItem('made') ? made : null);
  PushManager.prototype.subscribe = async (options) => {
    sessionStorage.setItem('made', JSON.stringify(options));
    return made;
  };
})(%s)
'''
#: Has the browser say that a subscription has ended, and a new one to make.
CHANGED = '''
({ subscription, isMade }) => {
  self.asked = null;
  PushManager.prototype.subscribe = async (options) => {
    self.asked = options;
    return subscription;
  };
  dispatchEvent(Object.assign(
    new ExtendableEvent('pushsubscriptionchange'),
    { newSubscription: isMade ? subscription : null }));
}
'''


class PushTests(BoardServed):

    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            self.vapid = VAPID.make(
                Path(folder) / 'vapid.json', 'mailto:ann@example.org')
        self.browser = Browser(self.vapid.public)
        super().setUp()
        with self.db.transaction() as connection:
            connection.root.push = Subscriptions()
        self.service = self.stack.enter_context(Receiver())

    @property
    def options(self):
        return {'routes': [
            *routes(self.db, lambda root: root['push'], self.vapid,
                    private=True), *demo.routes()]}

    def open(self, permission='default', **options):
        """Return a window, and its button."""
        context = self.context(**{'service_workers': 'allow', **options})
        context.add_init_script(STAND_IN % json.dumps({
            'permission': permission, 'subscription':
                self.browser.subscription(self.service.url + '/send')}))
        page = self.board(context)
        button = page.get_by_role('button', name='Notify me')
        button.wait_for()
        return page, button

    def subscribed(self):
        with self.db.transaction() as connection:
            return len(connection.root.push)

    def test_a_browser_subscribes_is_pushed_to_and_leaves(self):
        page, button = self.open()
        expect(button).to_have_attribute('data-state', 'off')
        expect(button).to_have_attribute('aria-pressed', 'false')
        button.click()
        expect(button).to_have_attribute('aria-pressed', 'true')
        self.assertEqual(json.loads(page.evaluate(
            "sessionStorage.getItem('made')")), {
                'userVisibleOnly': True,
                'applicationServerKey': self.vapid.public})
        self.assertEqual(self.subscribed(), 1)
        page.reload()
        expect(button).to_have_attribute('aria-pressed', 'true')
        with pushing(Pusher(
                self.db, lambda root: root['push'], self.url,
                vapid=self.vapid, private=True,
                patience=Patience(pace=0.01))):
            self.add(page, 'To do', 'New')
            self.rests(page)
            self.card(page, 'New').wait_for()
            wait(lambda: self.service.posts)
        _, headers, body = self.service.posts[-1]
        self.assertEqual(
            self.browser.read(self.service.url, headers, body)['tree'], '/')
        button.click()
        expect(button).to_have_attribute('aria-pressed', 'false')
        self.assertEqual(self.subscribed(), 0)
        self.assertIsNone(page.evaluate("sessionStorage.getItem('made')"))

    def test_the_browser_ends_a_subscription(self):
        page, _button = self.open()
        page.evaluate('navigator.serviceWorker.ready.then(() => true)')
        [worker] = page.context.service_workers
        key = {'userVisibleOnly': True,
               'applicationServerKey': self.vapid.public}
        for count, asked in enumerate([key, None], 1):
            worker.evaluate(CHANGED, {
                'isMade': asked is None,
                'subscription': self.browser.subscription(
                    f'{self.service.url}/{count}')})
            self.until(lambda: page.title() and self.subscribed(), count)
            self.assertEqual(worker.evaluate('asked'), asked)

    def test_a_user_who_has_forbidden_it(self):
        page, button = self.open('denied')
        expect(button).to_have_attribute('data-state', 'denied')
        expect(button).to_have_attribute('aria-disabled', 'true')
        button.click(force=True)
        expect(page.locator('.notice-bar .text')).to_contain_text(
            'blocks notifications of this page')
        self.assertEqual(self.subscribed(), 0)

    def test_a_browser_that_can_not_do_it(self):
        page, button = self.open(service_workers='block')
        expect(button).to_have_attribute('data-state', 'unsupported')
        expect(button).to_have_attribute('aria-disabled', 'true')
        button.press('Enter')
        expect(page.locator('.notice-bar .text')).to_contain_text(
            'be told of changes here')

    def test_a_server_that_refuses(self):
        with self.db.transaction() as connection:
            connection.root.push.most = 0
        page, button = self.open()
        button.click()
        expect(page.locator('.notice-bar .text')).to_contain_text(
            'Not possible now: expected at most')
        expect(button).to_have_attribute('aria-pressed', 'false')

    def test_everybody_can_use_it(self):
        for state, options in [
                ('off', {}), ('on', {'color_scheme': 'dark'}),
                ('denied', {'permission': 'denied'}),
                ('unsupported', {'service_workers': 'block'})]:
            with self.subTest(state):
                page, button = self.open(reduced_motion='reduce', **options)
                if state == 'on':
                    button.click()
                expect(button).to_have_attribute('data-state', state)
                self.assertEqual(violations(page), [])

    def test_a_small_screen(self):
        page, button = self.open(viewport={'width': 320, 'height': 600})
        self.assertLessEqual(*page.evaluate(
            '[document.documentElement.scrollWidth, innerWidth]'))
        expect(button).to_be_in_viewport()


class NoPushTests(BoardServed):

    def test_a_server_that_does_not_push(self):
        page = self.window('/', service_workers='allow')
        with page.expect_response('**/push') as found:
            page.reload()
        self.assertEqual(found.value.status, 204)
        expect(page.get_by_role('button', name='Help')).to_be_visible()
        expect(page.locator('button.notify')).to_be_hidden()
