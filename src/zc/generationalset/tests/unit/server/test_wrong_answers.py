"""Questions that other synchronizing servers answer wrongly."""

import re
import threading
from unittest import mock

import httpx
import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet, check, wire
from zc.generationalset.client import Client
from zc.generationalset.client.eventstream import EventStream
from zc.generationalset.replica import Replica
from zc.generationalset.server import application
from zc.generationalset.server.batches import Batch
from zc.generationalset.tests.support.serving import Served, served, wait


class Follower:
    """A replica that polls, with or without waiting."""

    def __init__(self, http, seconds=0):
        self._http = http
        self.replica = Replica()
        self._seconds = seconds

    def poll(self):
        """Ask, apply the answer, and return it."""
        params = {'generation': self.replica.generation}
        if self.replica.epoch is not None:
            params['epoch'] = self.replica.epoch
        if self._seconds:
            params['wait'] = self._seconds
        response = self._http.get('/updates', params=params)
        updates = wire.decode(response.raise_for_status().content)
        self.replica.apply(updates)
        return updates

    def poll_until(self, done):
        while not done.is_set():
            self.poll()


class WrongAnswersTests(Served):

    options = {'heartbeat': 2}

    def batch(self, *changes):
        response = self.http.post('/batch', json={'changes': [
            {'op': op, 'path': [id], **({'item': id} if op == 'put' else {})}
            for op, id in changes]})
        self.assertEqual(response.status_code, 200, response.text)

    def items(self):
        with self.changing() as things:
            return {id: ob.value for id, ob in things.items()}

    def equal(self, *replicas):
        with self.changing() as things:
            self.assertEqual(check(things), [])
            generation = things.generation
        items = self.items()
        for replica in replicas:
            self.assertEqual(replica.generation, generation)
            self.assertEqual(replica.items, items)


class OvertakenBatchesTests(WrongAnswersTests):
    """A batch commits after a single write that began after it.

    If the batch's changes are numbered when they are made, they are below
    what followers have who saw the single write: lost.
    """

    ROUNDS = 60

    def test_no_change_is_lost(self):
        self.made = 0
        done = threading.Event()
        pollers = [Follower(self.http), Follower(self.http, seconds=20)]
        watched = Replica()
        client = self.stack.enter_context(Client(self.url, replica=watched))
        threads = [threading.Thread(target=poller.poll_until, args=(done,))
                   for poller in pollers]
        threads.append(threading.Thread(target=lambda: list(client.watch())))
        replicas = [watched, *[poller.replica for poller in pollers]]
        for thread in threads:
            thread.start()
        try:
            for number in range(self.ROUNDS):
                self.overtake(number)
                generation = self.get().json()['generation']
                wait(lambda: {replica.generation for replica in replicas}
                     == {generation})  # noqa: B023
                self.equal(*replicas)
        finally:
            done.set()
            self.put('last')  # for those who wait
            client.close()
            for thread in threads:
                thread.join(90)
        # A batch that conflicts is made again, after the other write.
        self.assertLess(self.made, self.ROUNDS * 1.2)

    def overtake(self, number):
        made, overtaken = threading.Event(), threading.Event()
        original = Batch.make

        def make(batch, editing):
            result = original(batch, editing)
            self.made += 1
            made.set()
            overtaken.wait(90)
            return result

        removals = [('remove', f'{number - 1} {each}') for each in range(5)]
        changes = [('put', f'{number} {each}') for each in range(10)]
        with mock.patch.object(Batch, 'make', make):
            batch = threading.Thread(
                target=self.batch,
                args=[*changes, *(removals if number else ())])
            batch.start()
            made.wait(90)
            self.put(f'single {number}', number)
            # Everybody can see it now, before the batch is committed.
            self.assertNotIn(f'{number} 0', self.items())
            overtaken.set()
            batch.join(90)
        self.assertIn(f'{number} 0', self.items())


class ForgottenRemovalsTests(WrongAnswersTests):
    """Removals are remembered up to a number, 99; older ones are forgotten."""

    def test_old_tokens_get_what_is_kept(self):
        self.batch(*[('put', f'{number}') for number in range(300)])
        follower, streaming = Follower(self.http), Follower(self.http)
        follower.poll()
        streaming.poll()
        old = streaming.replica
        self.batch(*[('remove', f'{number}') for number in range(250)])
        updates = follower.poll()
        self.assertNotIn('reset', updates)
        self.assertEqual(
            (len(updates['contents']), len(updates['keep'])), (0, 50))
        event = first_event(self.http, old)
        old.apply(wire.decode(event.data))
        self.equal(follower.replica, old)

    def test_each_token_gets_what_it_lacks(self):
        self.batch(*[('put', f'{number}') for number in range(130)])
        followers = []
        for number in range(130):
            follower = Follower(self.http)
            follower.poll()
            followers.append(follower)
            self.batch(('remove', f'{number}'))
        for follower in followers:
            follower.poll()
        self.equal(*[follower.replica for follower in followers])


def first_event(http, replica):
    headers = {'Last-Event-ID': f'{replica.epoch}:{replica.generation}'}
    with http.stream('GET', '/events', headers=headers) as response:
        stream = EventStream(10 ** 6)
        for number, piece in enumerate(response.iter_raw()):
            for event in stream.feed(piece):
                return event
            if number:
                break
    raise AssertionError('expected an event, got a heartbeat')


class StrangeTokensTests(WrongAnswersTests):
    """A token that this server can't have made isn't "nothing new"."""

    def setUp(self):
        super().setUp()
        self.batch(('put', 'a'), ('put', 'b'))
        self.epoch = self.get().json()['epoch']

    def check_reset(self, reset, generation, epoch, server=None):
        """Expect everything, at once, however it is asked for."""
        http = server or self.http
        strange = {'generation': generation}
        if epoch is not None:
            strange['epoch'] = epoch
        etag = f'W/"{epoch or ""}:{generation}"'
        for params, headers in [
                (strange, {}), (strange, {'If-None-Match': etag}),
                ({**strange, 'wait': 45}, {'If-None-Match': etag})]:
            with self.subTest(params=params, headers=headers):
                response = http.get('/updates', params=params, headers=headers)
                self.assertEqual(response.status_code, 200)
                self.assertLess(response.elapsed.total_seconds(), 40)
                self.adopt(reset, generation, epoch, response.content)
        replica = Replica()
        replica.generation, replica.epoch = generation, epoch or ''
        event = first_event(http, replica)
        self.adopt(reset, generation, epoch, event.data)
        response = http.put('/items/a', json='a', params=strange)
        answer = response.json()['updates']
        self.assertEqual(answer['reset'], reset)

    def adopt(self, reset, generation, epoch, content):
        """A replica with other contents becomes right."""
        replica = Replica()
        replica.generation, replica.epoch = generation, epoch
        replica.items = {'a': 'old', 'gone': 'old'}
        updates = wire.decode(content)
        self.assertEqual(updates['reset'], reset)
        replica.apply(updates)
        self.assertEqual(replica.items, self.items())

    def test_from_the_future(self):
        for generation in 4, 1000, 2 ** 53 - 1:
            self.check_reset('ahead', generation, self.epoch)

    def test_garbage(self):
        for epoch in 'x', self.epoch[:-1], self.epoch.swapcase(), 'x ":', None:
            for generation in 1, 3, 1000:
                with self.subTest(epoch=epoch, generation=generation):
                    self.check_reset('epoch', generation, epoch)
        for query in ('generation=x', 'generation=', 'generation=-1',
                      'generation=1e3', 'generation=%F0%9D%9F%91'):
            response = self.http.get(f'/updates?{query}&epoch={self.epoch}')
            self.refused(400, response)
        response = self.http.get('/events', headers={'Last-Event-ID': 'x'})
        self.refused(400, response)

    def test_of_a_database_that_was_made_again(self):
        db = ZODB.DB(DemoStorage())
        self.stack.callback(db.close)
        with db.transaction() as connection:
            connection.root.things = GSet()
        url = self.stack.enter_context(served(application(
            db, lambda root: root['things'], write=True)))
        again = self.stack.enter_context(httpx.Client(base_url=url))
        for id in 'a', 'b':  # as many changes, so the same generation
            again.put(f'/items/{id}', json=id)
        answer = again.get('/updates').json()
        self.assertEqual(answer['generation'], 3)
        self.check_reset('epoch', 3, self.epoch, again)
        self.check_reset('epoch', 3, answer['epoch'])

    def test_of_a_backup_that_was_restored(self):
        with self.changing() as things:
            things.renew()
        self.check_reset('epoch', 3, self.epoch)


class GrowthTests(WrongAnswersTests):
    """Nothing grows with what was created and deleted."""

    CYCLES, AT_ONCE = 10_000, 1000

    def sizes(self):
        """Return bytes of answers, but for the digits of generations."""
        known = self.get().json()
        for number in range(10):
            self.http.put(f'/items/stays {number}', json=self.value)
        answers = {
            'new': self.get(),
            'delta': self.get(known['generation'], known['epoch'])}
        now = answers['delta'].json()['generation']
        answers['poll'] = self.get(now, known['epoch'])
        answers['write'] = self.http.put(
            '/items/stays 0', json=self.value + 1,
            params={'generation': now, 'epoch': known['epoch']})
        self.value += 2
        sizes = {
            name: len(re.sub(rb'("since"|"generation"):\d+', b'',
                             response.content))
            for name, response in answers.items()}
        event = first_event(self.http, mock.Mock(
            epoch=known['epoch'], generation=known['generation']))
        sizes['event'] = len(re.sub(rb':\d+', b'', event.data))
        return sizes

    def test_creations_and_deletions(self):
        self.value = 10
        self.batch(*[('put', f'stays {number}') for number in range(100)])
        away = Follower(self.http)
        away.poll()
        before = self.sizes()
        for start in range(0, self.CYCLES, self.AT_ONCE):
            ids = [f'goes {number}'
                   for number in range(start, start + self.AT_ONCE)]
            self.batch(*[('put', id) for id in ids])
            self.batch(*[('remove', id) for id in ids])
        self.assertEqual(self.sizes(), before)
        most = 100 + self.AT_ONCE  # items, at any time
        with self.changing() as things:
            self.assertGreater(things.generation, 2 * self.CYCLES)
            self.assertLess(len(things.generations), 2 * most)
            self.assertLess(len(things.removals), most)
        updates = away.poll()
        self.assertEqual(
            (len(updates['contents']), len(updates['keep'])), (10, 90))
        self.equal(away.replica)
