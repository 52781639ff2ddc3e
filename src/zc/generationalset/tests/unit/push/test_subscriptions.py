"""Subscriptions: their limits, and which URLs they may have."""

import contextlib
import unittest

import httpx
import transaction
import ZODB

from zc.generationalset.answers import Misfit, Position
from zc.generationalset.push import (
    Forbidden,
    Subscriptions,
    TooMany,
    check_url,
)
from zc.generationalset.push.addresses import resolve
from zc.generationalset.push.head import Head
from zc.generationalset.push.store import Outcome, Store

HOOK = 'https://example.org/hook'


class SubscriptionsTests(unittest.TestCase):

    def test_a_url_is_subscribed_once(self):
        subscriptions = Subscriptions()
        first = subscriptions.add('ann', HOOK)
        self.assertIs(subscriptions.add('ann', HOOK), first)
        second = subscriptions.add('bob', HOOK)
        self.assertEqual(subscriptions.of('ann'), [first])
        self.assertNotEqual(first.secret, second.secret)
        self.assertEqual(len(subscriptions), 2)

    def test_removal(self):
        subscriptions = Subscriptions()
        first = subscriptions.add('ann', HOOK)
        second = subscriptions.add('ann', HOOK + '2')
        subscriptions.remove(first.id)
        self.assertEqual(subscriptions.of('ann'), [second])
        subscriptions.remove(second.id)
        self.assertEqual(subscriptions.of('ann'), [])
        self.assertEqual((len(subscriptions), [*subscriptions]), (0, []))
        with self.assertRaises(KeyError):
            subscriptions.remove(first.id)

    def test_limits(self):
        subscriptions = Subscriptions(most=3, most_of_user=2)
        for user in 'ann', 'ann', 'bob':
            subscriptions.add(user, f'{HOOK}{len(subscriptions)}')
        for user in 'ann', 'carl':
            with self.assertRaises(TooMany):
                subscriptions.add(user, HOOK)
        subscriptions.remove(subscriptions.of('ann')[0].id)
        subscriptions.add('carl', HOOK)

    def test_users_do_not_conflict_with_pushes(self):
        with contextlib.closing(ZODB.DB(None)) as db:
            with db.transaction() as connection:
                connection.root.push = Subscriptions()
                id = connection.root.push.add('ann', HOOK).id
            manager = transaction.TransactionManager()
            connection = db.open(manager)
            connection.root().get('push').remove(id)
            connection.root().get('push').add('bob', HOOK)
            store = Store(db, lambda root: root['push'], 3)
            store.note({id: Outcome(Position('e', 5), True)})
            manager.commit()
            store.note({id: Outcome(Position('e', 6), True)})
            [target] = store.behind(Position('e', 6))
            self.assertNotEqual(target.id, id)
            store.close()
            connection.close()


class AddressTests(unittest.TestCase):

    def test_forbidden_urls(self):
        for url in (
                'http://example.org/', 'ftp://example.org/', '/hook', '',
                'https://', 'https://ann:secret@example.org/',
                'https://example.org/#a', 'https://example.org/\n',
                'https://example.org/' + 2000 * 'x', 'https://[::1',
                'http://127.0.0.1/', 'https://127.0.0.1/',
                'https://169.254.169.254/', 'https://192.168.0.1/',
                'https://0.0.0.0/', 'https://224.0.0.1/', 'https://[::1]/',
                'https://[fe80::1]/', 'https://[fd00::1]/',
                'https://[::ffff:10.0.0.1]/', 'https://[64:ff9b::a00:1]/',
                'https://[2002:a00:1::]/'):
            with self.subTest(url=url), self.assertRaises(Forbidden):
                check_url(url)

    def test_allowed_urls(self):
        for url, private in [
                (HOOK, False), ('https://93.184.216.34:8443/x?y=z', False),
                ('https://[2606:4700::1111]/', False),
                ('https://10.0.0.1/', True), ('http://127.0.0.1:81/', True),
                ('http://localhost/', True)]:
            with self.subTest(url=url):
                self.assertEqual(str(check_url(url, private)), url)

    def test_private_addresses_without_tls(self):
        with self.assertRaises(Forbidden):
            check_url('http://10.0.0.1/', private=True)

    def test_what_names_resolve_to(self):
        # Other ways to write 127.0.0.1, and a name that leads there.
        for host in 'localhost', '2130706433', '0x7f.1':
            url = check_url(f'https://{host}/')
            with self.subTest(host=host), self.assertRaises(Forbidden):
                resolve(url)
            self.assertIn(resolve(url, private=True), ('127.0.0.1', '::1'))

    def test_a_name_that_is_loopback_only_at_first(self):
        with self.assertRaises(Forbidden):
            resolve(httpx.URL('http://10.0.0.1/'), private=True)


class HeadTests(unittest.TestCase):

    def test_the_first_page_is_enough(self):
        head = Head()
        page = {'epoch': 'e', 'since': 0, 'generation': 5, 'next': 'x',
                'contents': [('a', 1)]}
        self.assertEqual(len(head.apply(page)), 1)
        self.assertEqual(head.position, Position('e', 5))
        for other in ({**page, 'cursor': 'x'}, page):
            with self.assertRaises(Misfit):
                head.apply(other)

    def test_answers(self):
        head = Head()
        head.apply({'epoch': 'e', 'since': 0, 'generation': 5, 'contents': []})
        self.assertEqual(
            head.apply({'epoch': 'e', 'since': 5, 'generation': 5}), [])
        with self.assertRaises(Misfit):
            head.apply({'epoch': 'e', 'since': 7, 'generation': 9})
        head.apply({'epoch': 'f', 'since': 5, 'since_epoch': 'e',
                    'generation': 3, 'reset': 'epoch', 'contents': []})
        self.assertEqual((head.epoch, head.generation), ('f', 3))
