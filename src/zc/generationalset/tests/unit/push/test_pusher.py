"""Pushes to real receivers, which fail in all ways."""

import socket
import ssl
from unittest import mock

import ZODB

from zc.generationalset.push import (
    Patience,
    Pusher,
    Subscriptions,
    deliveries,
)
from zc.generationalset.push.store import Store
from zc.generationalset.tests.support.places import DATA
from zc.generationalset.tests.support.receivers import (
    Receiver,
    pushing,
    verified,
)
from zc.generationalset.tests.support.serving import Served, wait

#: Only those who hang take so long: a busy machine isn't to fail.
QUICK = Patience(pace=0.01, timeout=60.0, first=0.01, growth=1.0, attempts=3)


class PusherTests(Served):

    def setUp(self):
        super().setUp()
        self.subscribers = ZODB.DB(None)
        self.stack.callback(self.subscribers.close)
        with self.subscribers.transaction() as connection:
            connection.root.push = Subscriptions()
        self.receiver = self.stack.enter_context(Receiver())

    def pusher(self, private=True, **patience):
        return Pusher(self.subscribers, lambda root: root['push'], self.url,
                      private=private, patience=QUICK._replace(**patience))

    def subscribe(self, path, user='ann'):
        with self.subscribers.transaction() as connection:
            each = connection.root.push.add(
                user, self.receiver.url + path, private=True)
            return each.id, each.secret

    def stored(self, id):
        """Return position and number of failures; None if it is gone."""
        with self.subscribers.transaction() as connection:
            each = connection.root.push.get(id)
            return each and (each.position, each.given_up)

    def generation(self):
        with self.changing() as things:
            return things.generation

    def wait_until_stored(self, id):
        position = self.epoch(), self.generation()
        wait(lambda: self.stored(id)[0] == position)

    def wait_for(self, path, generation):
        wait(lambda: generation in self.receiver.at(path))

    def test_a_push_is_signed_and_has_only_the_position(self):
        id, secret = self.subscribe('/hook')
        self.put('a', 'private')
        with pushing(self.pusher()):
            self.wait_until_stored(id)
        [(_, headers, body)] = self.receiver.posts
        self.assertEqual(verified(secret, headers, body), {
            'type': 'changed', 'tree': '/', 'epoch': self.epoch(),
            'generation': self.generation()})
        self.assertEqual(headers['content-type'], 'application/json')
        for wrong in (secret[:-8] + 'AAAAAAA=', headers, body), (
                secret, headers, body + b' '), (
                secret, {**headers, 'webhook-timestamp': '1'}, body):
            with self.assertRaises(ValueError):
                verified(*wrong)

    def test_each_change_is_pushed(self):
        self.subscribe('/hook')
        with pushing(self.pusher()):
            for number in range(3):
                self.put(number)
                self.wait_for('/hook', self.generation())

    def test_changes_of_a_while_are_one_push(self):
        self.subscribe('/hook')
        self.put(0)
        with pushing(self.pusher(pace=2.0)):
            self.wait_for('/hook', self.generation())
            for number in range(20):
                self.put(number)
            self.wait_for('/hook', self.generation())
        self.assertLess(len(self.receiver.posts), 20)

    def test_a_new_subscriber_of_a_running_pusher(self):
        self.put('a')
        with pushing(self.pusher()):
            self.subscribe('/hook')
            self.wait_for('/hook', self.generation())

    def test_a_set_without_changes(self):
        self.subscribe('/hook')
        with pushing(self.pusher()):
            self.put('a')
            self.wait_for('/hook', self.generation())
        self.assertNotIn(0, self.receiver.at('/hook'))

    def test_what_was_pushed_is_not_pushed_after_a_restart(self):
        id, _ = self.subscribe('/old')
        self.put('a')
        with pushing(self.pusher()):
            self.wait_until_stored(id)
        self.subscribe('/new')
        with pushing(self.pusher()):
            self.wait_for('/new', self.generation())
        self.assertEqual(len(self.receiver.at('/old')), 1)

    def test_the_last_push_can_not_be_stored(self):
        """Everything is closed nevertheless, and the next run pushes again."""
        self.subscribe('/hook')
        self.put('a')
        pusher = self.pusher()
        note = Store.note

        def fail_in_the_end(store, outcomes):
            if pusher._stopping:
                raise OSError('full')
            return note(store, outcomes)

        with mock.patch.object(Store, 'note', fail_in_the_end), \
                self.assertLogs('zc.generationalset.push', 'ERROR') as logs, \
                pushing(pusher):
            self.wait_for('/hook', self.generation())
        self.assertIn('is pushed again: OSError: full', logs.output[-1])
        self.assertEqual({each['opened'] for each in
                          self.subscribers.connectionDebugInfo()}, {None})
        self.assertTrue(pusher._client._network.closed)

    def test_a_change_while_no_pusher_ran(self):
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher()):
            self.wait_until_stored(id)
        self.put('b')
        self.put('c')
        with pushing(self.pusher()):
            self.wait_for('/hook', self.generation())
        self.assertEqual(len(self.receiver.posts), 2)

    def test_another_epoch_is_pushed(self):
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher()):
            self.wait_for('/hook', self.generation())
            with self.changing() as things:
                things.renew()
            self.wait_until_stored(id)

    def test_a_failure_is_repeated_with_the_same_id_and_the_newest(self):
        self.receiver.statuses['/hook'] = 500
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher(attempts=10 ** 6)):
            wait(lambda: len(self.receiver.posts) > 1)
            self.assertIsNone(self.stored(id)[0])
            self.put('b')
            self.wait_for('/hook', self.generation())
            self.receiver.statuses.clear()
            wait(lambda: self.stored(id)[0] is not None)
        ids = {}
        for _, headers, body in self.receiver.posts:
            ids.setdefault(body, set()).add(headers['webhook-id'])
        self.assertEqual([len(each) for each in ids.values()], [1, 1])
        self.assertEqual(len(set.union(*ids.values())), 2)

    def test_a_push_is_given_up_and_the_next_one_is_tried(self):
        self.receiver.statuses['/hook'] = 500
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher()), self.assertLogs(
                'zc.generationalset.push', 'WARNING') as logs:
            wait(lambda: self.stored(id)[1])
            self.assertEqual(len(self.receiver.posts), 3)
            self.receiver.statuses.clear()
            self.put('b')
            self.wait_for('/hook', self.generation())
            wait(lambda: self.stored(id)[1] == 0)
        self.assertEqual([each.getMessage() for each in logs.records], [
            f'subscription {id}: gave up after 3 attempts: 500'])

    def test_a_subscription_is_removed_after_some_given_up(self):
        self.receiver.statuses['/hook'] = 500
        id, _ = self.subscribe('/hook')
        # Before the pusher may push the empty set.
        self.put(0)
        with pushing(self.pusher(attempts=1)), self.assertLogs(
                'zc.generationalset.push', 'WARNING') as logs:
            for count in 1, 2:
                wait(lambda count=count: self.stored(id)[1] == count)
                self.put(count)
            wait(lambda: self.stored(id) is None)
            wait(lambda: logs.records[-1].getMessage()
                 == f'subscription {id}: removed')

    def test_410_removes_the_subscription(self):
        self.receiver.statuses['/hook'] = 410
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher()), self.assertLogs(
                'zc.generationalset.push', 'WARNING'):
            wait(lambda: self.stored(id) is None)
        self.assertEqual(len(self.receiver.posts), 1)

    def test_redirections_are_failures(self):
        self.receiver.statuses['/hook'] = 307
        self.receiver.headers['location'] = '/elsewhere'
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher()), self.assertLogs(
                'zc.generationalset.push', 'WARNING'):
            wait(lambda: self.stored(id)[1])
        self.assertEqual(self.receiver.at('/elsewhere'), [])

    def test_a_subscriber_can_ask_for_more_time(self):
        self.receiver.statuses['/hook'] = 503
        self.receiver.headers['retry-after'] = '3000'
        self.subscribe('/hook')
        self.subscribe('/other')
        self.put('a')
        with pushing(self.pusher()):
            self.wait_for('/hook', self.generation())
            self.put('b')
            self.wait_for('/other', self.generation())
        self.assertEqual(len(self.receiver.at('/hook')), 1)

    def test_hanging_subscribers_delay_nobody_else(self):
        for number in range(3):
            self.receiver.statuses[f'/hang/{number}'] = None
            id, _ = self.subscribe(f'/hang/{number}')
            with self.subscribers.transaction() as connection:
                connection.root.push.get(id).given_up = 1
        self.subscribe('/hook')
        with mock.patch.multiple(deliveries, GOOD=1, BAD=1), \
                pushing(self.pusher()):
            for number in range(3):
                self.put(number)
                self.wait_for('/hook', self.generation())
            self.assertEqual(len({
                path for path, _, _ in self.receiver.posts}), 2)
            self.receiver.closed.set()

    def test_a_subscriber_that_failed_is_tried_apart_from_others(self):
        self.receiver.statuses['/hook'] = 500
        self.subscribe('/hook')
        self.put('a')
        with mock.patch.multiple(deliveries, GOOD=1, BAD=1), \
                pushing(self.pusher(attempts=10 ** 6)):
            self.wait_for('/hook', self.generation())
            self.receiver.statuses['/hook'] = None
            count = len(self.receiver.posts)
            wait(lambda: len(self.receiver.posts) > count)
            self.subscribe('/other')
            self.wait_for('/other', self.generation())
            self.receiver.closed.set()

    def test_an_attempt_ends(self):
        self.receiver.statuses['/hang'] = None
        id, _ = self.subscribe('/hang')
        self.put('a')
        with pushing(self.pusher(timeout=0.2, attempts=1)), self.assertLogs(
                'zc.generationalset.push', 'WARNING') as logs:
            wait(lambda: self.stored(id)[1])
        self.assertIn('no response', logs.output[0])

    def test_a_user_removes_a_subscription_that_is_retried(self):
        self.receiver.statuses['/hook'] = 500
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher(attempts=10 ** 6)):
            wait(lambda: self.receiver.posts)
            with self.subscribers.transaction() as connection:
                connection.root.push.remove(id)
            self.subscribe('/other')
            self.wait_for('/other', self.generation())

    def test_private_addresses_are_checked_again_before_each_push(self):
        id, _ = self.subscribe('/hook')
        self.put('a')
        with pushing(self.pusher(private=False, attempts=1)), self.assertLogs(
                'zc.generationalset.push', 'INFO') as logs:
            wait(lambda: self.stored(id)[1])
        self.assertEqual(self.receiver.posts, [])
        self.assertIn('expected a URL of https', ' '.join(logs.output))

    def test_cookies_are_not_kept(self):
        """They would go to other hosts at the same address."""
        self.receiver.headers['set-cookie'] = 'a=b'
        self.subscribe('/hook')
        with pushing(self.pusher()):
            for number in range(2):
                self.put(number)
                self.wait_for('/hook', self.generation())
        for _, headers, _ in self.receiver.posts:
            self.assertNotIn('cookie', headers)

    def test_urls_are_not_logged(self):
        """Who knows the URL of a browser or a hook can post to it."""
        id, _ = self.subscribe('/secret')
        self.put('a')
        with self.assertLogs(level='INFO') as logs, pushing(self.pusher()):
            self.wait_until_stored(id)
        self.assertIn(f'subscription {id}: 204', ' '.join(logs.output))
        self.assertNotIn('/secret', ' '.join(logs.output))

    def test_certificates_are_checked_for_the_name(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(DATA / 'server.pem')
        receiver = self.stack.enter_context(Receiver(context))
        ids = {}
        with self.subscribers.transaction() as connection:
            for host in 'localhost', 'server':
                ids[host] = connection.root.push.add(
                    'ann', f'https://{host}:{receiver.port}/{host}', True).id
        self.put('a')
        look_up = socket.getaddrinfo
        self.stack.enter_context(mock.patch.object(
            socket, 'getaddrinfo', lambda host, *rest, **options: look_up(
                'localhost' if host == 'server' else host, *rest, **options)))
        trusting = ssl.create_default_context(cafile=DATA / 'server.pem')
        pusher = Pusher(self.subscribers, lambda root: root['push'], self.url,
                        private=True, patience=QUICK._replace(attempts=1),
                        verify=trusting)
        with pushing(pusher), self.assertLogs(
                'zc.generationalset.push', 'INFO') as logs:
            wait(lambda: self.stored(ids['localhost'])[1] and receiver.posts)
        [(path, headers, _)] = receiver.posts
        self.assertEqual((path, headers['host']),
                         ('/server', f'server:{receiver.port}'))
        self.assertIn("not valid for 'localhost'", ' '.join(logs.output))
