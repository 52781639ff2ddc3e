"""Web Push: keys, encryption, and pushes to a service that decrypts."""

import contextlib
import json
import os
import tempfile
import unittest
from pathlib import Path

import ZODB
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from zc.generationalset.push import (
    VAPID,
    BadKey,
    Keys,
    Patience,
    Pusher,
    Subscriptions,
)
from zc.generationalset.push.encryption import sealed
from zc.generationalset.push.keys import from_text, to_text
from zc.generationalset.tests.support.browsers import Browser
from zc.generationalset.tests.support.receivers import Receiver, pushing
from zc.generationalset.tests.support.serving import Served, wait

QUICK = Patience(pace=0.01, timeout=60.0, first=0.01, growth=1.0, attempts=3)
CONTACT = 'mailto:ann@example.org'
#: The example of RFC 8291, appendix A.
SALT = 'DGv6ra1nlYgDCS1FRnbzlw'
PRIVATE = 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'
EXAMPLE = Keys('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4'
               'bjyPjs7Vd8pZGH6SRpkNtoIAiw4', 'BTBZMqHH6r4Tts7J_aSIgg')
MESSAGE = ('DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlml'
           'MoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4M'
           'qgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN')


class KeysTests(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / 'vapid.json'

    def test_the_example_of_the_specification(self):
        private = ec.derive_private_key(
            int.from_bytes(from_text(PRIVATE), 'big'), ec.SECP256R1())
        self.assertEqual(to_text(sealed(
            b'When I grow up, I want to be a watermelon', EXAMPLE, private,
            from_text(SALT))), MESSAGE)

    def test_a_file_is_for_its_owner_and_made_once(self):
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        made = VAPID.make(self.path, CONTACT)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        found = VAPID.load(self.path)
        self.assertEqual((found.public, found.contact),
                         (made.public, CONTACT))
        with self.assertRaises(FileExistsError):
            VAPID.make(self.path, CONTACT)
        self.assertEqual(VAPID.load(self.path).public, made.public)

    def test_bad_files(self):
        with self.assertRaises(BadKey):
            VAPID.make(self.path, 'ann')
        self.assertFalse(self.path.exists())
        VAPID.make(self.path, CONTACT)
        good = json.loads(self.path.read_text())
        for bad in ('', '[]', '{}', '5', json.dumps(good)[:-30], json.dumps(
                {**good, 'private_key': 5}), json.dumps(
                {**good, 'private_key': 'x'}), json.dumps(
                {**good, 'contact': ''})):
            self.path.write_text(bad)
            with self.subTest(bad), self.assertRaises(BadKey):
                VAPID.load(self.path)

    def test_a_key_of_another_kind(self):
        for key in (ec.generate_private_key(ec.SECP384R1()),
                    ed25519.Ed25519PrivateKey.generate()):
            self.path.write_text(json.dumps({
                'contact': CONTACT, 'private_key': key.private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8,
                    NoEncryption()).decode()}))
            with self.assertRaisesRegex(BadKey, 'the curve P-256'):
                VAPID.load(self.path)

    def test_bad_keys_of_browsers(self):
        point, auth = EXAMPLE
        for bad in [
                ('', auth), (point[:-4], auth), (point + 'AAAA', auth),
                ('C' + point[1:], auth), (point[:-1] + 'A', auth),
                (point, ''), (point, auth[:-4]), (point, auth + 'AAAA'),
                (point, '!' + auth[1:]), (point + '\n', auth),
                (point, auth[:-1] + '\u00e9')]:
            with self.subTest(bad), self.assertRaises(BadKey):
                Keys(*bad).check()
        self.assertEqual(Keys(point + '=', auth + '==').check(), EXAMPLE)


class BrowserTests(Served):

    def setUp(self):
        super().setUp()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.vapid = VAPID.make(Path(folder) / 'vapid.json', CONTACT)
        self.browser = Browser(self.vapid.public)
        self.subscribers = ZODB.DB(None)
        self.stack.callback(self.subscribers.close)
        with self.subscribers.transaction() as connection:
            connection.root.push = Subscriptions()
        self.service = self.stack.enter_context(Receiver())

    def subscribe(self, path='/send', browser=None):
        with self.changing_subscriptions() as subscriptions:
            return subscriptions.add(
                'ann', self.service.url + path, True,
                (browser or self.browser).keys).id

    @contextlib.contextmanager
    def changing_subscriptions(self):
        with self.subscribers.transaction() as connection:
            yield connection.root.push

    def ids(self):
        with self.changing_subscriptions() as subscriptions:
            return [*subscriptions.ids()]

    def pusher(self, **options):
        return Pusher(self.subscribers, lambda root: root['push'], self.url,
                      vapid=self.vapid, private=True, patience=QUICK,
                      **options)

    def messages(self):
        return [self.browser.read(self.service.url, headers, body)
                for _, headers, body in list(self.service.posts)]

    def wait_for(self, generation):
        wait(lambda: generation in [
            each['generation'] for each in self.messages()])

    def generation(self):
        with self.changing() as things:
            return things.generation

    def test_a_push_can_be_decrypted_and_has_only_the_position(self):
        self.subscribe()
        self.put('a', 'private')
        with pushing(self.pusher()):
            self.wait_for(self.generation())
        [message] = self.messages()
        self.assertEqual(message, {
            'type': 'changed', 'tree': '/', 'epoch': self.epoch(),
            'generation': self.generation()})

    def test_messages_about_one_tree_replace_each_other(self):
        self.subscribe()
        with pushing(self.pusher()):
            for number in range(2):
                self.put(number)
                self.wait_for(self.generation())
        topics = [headers['topic'] for _, headers, _ in self.service.posts]
        self.assertEqual(len(set(topics)), 1)
        self.assertRegex(topics[0], '^[A-Za-z0-9_-]{1,32}$')

    def test_404_and_410_remove_the_subscription(self):
        self.put('a')
        for status in 404, 410:
            self.service.statuses['/send'] = status
            self.subscribe()
            with pushing(self.pusher()), self.assertLogs(
                    'zc.generationalset.push', 'WARNING'):
                wait(lambda: not self.ids())
        self.assertEqual(len(self.service.posts), 2)

    def test_404_of_a_webhook_removes_nothing(self):
        self.service.statuses['/send'] = 404
        with self.changing_subscriptions() as subscriptions:
            id = subscriptions.add('ann', self.service.url + '/send', True).id
        self.put('a')

        def given_up():
            with self.changing_subscriptions() as subscriptions:
                return subscriptions[id].given_up
        with pushing(self.pusher()), self.assertLogs(
                'zc.generationalset.push', 'WARNING'):
            wait(given_up)
        self.assertEqual(len(self.service.posts), 3)

    def test_a_failure_is_repeated(self):
        self.service.statuses['/send'] = 500
        self.subscribe()
        self.put('a')
        with pushing(self.pusher()):
            wait(lambda: self.service.posts)
            self.service.statuses.clear()
            wait(lambda: len(self.service.posts) > 1)
        bodies = {body for _, _, body in self.service.posts}
        self.assertEqual(len(bodies), len(self.service.posts))
        self.messages()

    def test_a_service_can_ask_for_more_time(self):
        self.service.statuses['/send'] = 429
        self.service.headers['retry-after'] = '3000'
        self.subscribe()
        other = Browser(self.vapid.public)
        self.subscribe('/other', other)
        self.put('a')
        with pushing(self.pusher()):
            wait(lambda: len(self.service.posts) == 2)
            self.put('b')
            wait(lambda: len(self.service.posts) == 3)
        self.assertEqual([path for path, _, _ in self.service.posts].count(
            '/send'), 1)

    def test_new_keys_of_a_browser_replace_the_old_ones(self):
        self.subscribe()
        self.put('a')
        with pushing(self.pusher()):
            wait(lambda: len(self.service.posts) == 1)
            self.browser = Browser(self.vapid.public)
            new = self.subscribe()
            self.assertEqual(self.ids(), [new])
            wait(lambda: len(self.service.posts) == 2)
        _, headers, body = self.service.posts[-1]
        self.browser.read(self.service.url, headers, body)

    def test_without_a_key_browsers_keep_their_subscriptions(self):
        self.subscribe()
        with self.changing_subscriptions() as subscriptions:
            subscriptions.add('ann', self.service.url + '/hook', True)
        self.vapid = None
        self.put('a')
        with pushing(self.pusher()):
            wait(lambda: self.service.posts)
        self.assertEqual([path for path, _, _ in self.service.posts],
                         ['/hook'])
        self.assertEqual(len(self.ids()), 2)
