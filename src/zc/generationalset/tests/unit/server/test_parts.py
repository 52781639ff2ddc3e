"""Parts: what is answered and pushed to those who want some subsets."""

import json
import threading
from urllib.parse import quote

from zc.generationalset import GSet
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.clients import ClientTests, for_both
from zc.generationalset.tests.support.serving import Served, wait
from zc.generationalset.tests.support.streams import Stream
from zc.generationalset.tests.support.things import add_subsets


class PartsTests(Served):

    options = {'heartbeat': 3600}

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            add_subsets(things)
            things['a'].add(GSet('deep'))

    def write(self, *path, item=1):
        response = self.http.put(f'/items/{"/".join(path)}', json=item)
        response.raise_for_status()

    def ask(self, parts, generation=0, epoch=None, **query):
        return self.http.get('/updates', params={
            'parts': json.dumps(parts), 'generation': generation,
            'epoch': epoch or '', **query})

    def position(self):
        answer = self.http.get('/updates').json()
        return answer['generation'], answer['epoch']

    # What is answered

    def test_first_contact(self):
        answer = self.ask([['c'], ['a', 'deep'], ['no', 'way']]).json()
        generation, epoch = self.position()
        self.assertEqual(answer, {
            'format': 1, 'epoch': epoch, 'since': 0, 'generation': generation,
            'parts': [{'path': ['a', 'deep'], 'contents': []},
                      {'path': ['c'], 'contents': [['x', 'c']]},
                      {'path': ['no', 'way'], 'contents': []}]})

    def test_what_changed(self):
        generation, epoch = self.position()
        self.write('a', 'y')
        self.write('b', 'y')
        self.http.delete('/items/b/x')
        answer = self.ask([['b'], ['c']], generation, epoch).json()
        self.assertEqual(answer, {
            'format': 1, 'epoch': epoch, 'since': generation,
            'generation': generation + 3, 'parts': [
                {'path': ['b'], 'removals': ['x'], 'adds': [['y', 1]]},
                {'path': ['c']}]})

    def test_a_part_that_comes_and_goes(self):
        part = [['d', 'e']]
        generation, epoch = self.position()
        self.http.put('/items/d/')
        self.http.put('/items/d/e/')
        self.write('d', 'e', 'x')
        [here] = self.ask(part, generation, epoch).json()['parts']
        self.assertEqual(here['contents'], [['x', 1]])
        generation, _ = self.position()
        self.http.delete('/items/d/')
        answer = self.ask(part, generation, epoch).json()
        self.assertEqual(answer['parts'], [
            {'path': ['d', 'e'], 'contents': []}])
        answer = self.ask(part, generation + 1, epoch).json()
        self.assertEqual(answer['parts'], [{'path': ['d', 'e']}])
        self.write('d', item=5)
        self.assertEqual(self.ask([['d']]).json()['parts'], [
            {'path': ['d'], 'contents': []}])

    def test_other_epochs(self):
        generation, _ = self.position()
        for asked, epoch, reset in [
                (3, 'other', 'epoch'), (generation + 1, None, 'ahead')]:
            epoch = epoch or self.position()[1]
            for _ in range(2):
                answer = self.ask([['b'], ['c']], asked, epoch).json()
                self.assertEqual(answer['reset'], reset)
                self.assertEqual(answer['since'], asked)
                self.assertEqual(answer['parts'], [
                    {'path': [id], 'contents': [['x', id]]} for id in 'bc'])

    def test_nothing_new(self):
        generation, epoch = self.position()
        self.write('a', 'y')
        answer = self.ask([['b']], generation, epoch)
        self.assertEqual(answer.json(), {
            'format': 1, 'epoch': epoch, 'since': generation,
            'generation': generation + 1, 'parts': [{'path': ['b']}]})
        same = self.http.get('/updates', params={
            'parts': '[["b"]]', 'generation': generation + 1, 'epoch': epoch,
            }, headers={'if-none-match': answer.headers['etag']})
        self.assertEqual(same.status_code, 304)

    def test_large_parts(self):
        with self.changing() as things:
            for number in range(3000):
                things['b'].add(Document(f'{number}', 'x' * 100))
        for _ in range(2):
            for epoch in 'other', 'elsewhere':
                answer = self.ask([['b'], ['c']], 3, epoch).json()
                self.assertEqual((answer['since'], answer['since_epoch']),
                                 (3, epoch))
                self.assertEqual(len(answer['parts'][0]['contents']), 3001)
        stream = self.stream([['b']])
        wait(lambda: stream.ended)
        self.assertEqual(stream.events()[-1], (None, 'ask', {}))

    def test_writes_answer_with_parts(self):
        generation, epoch = self.position()
        response = self.http.put('/items/b/y', json=7, params={
            'parts': '[["b"],["c"]]', 'generation': generation,
            'epoch': epoch})
        self.assertEqual(response.json()['updates']['parts'], [
            {'path': ['b'], 'adds': [['y', 7]]}, {'path': ['c']}])

    # What is refused

    def test_hostile_parts(self):
        for parts, detail in [
                ([], '1 to 100 parts'),
                ([[str(number)] for number in range(101)], '1 to 100 parts'),
                ([['a'], ['a']], 'different parts'),
                ([['a'], ['a', 'b']], 'not within each other'),
                ([['a', 'b', 'c', 'd'], ['a', 'b']], 'not within each other'),
                ([[]], 'one id or more'),
                ([['a'], []], 'one id or more'),
                ('a', 'a list of paths'),
                (['a'], 'a list of paths'),
                ([{'a': 1}], 'a list of paths'),
                ([[None]], 'an id'),
                ([[['a']]], 'an id'),
                ([[1.5e300]], None),
                ([['a' * 4001]], 'up to 4000 bytes'),
                ([['€' * 1000]], 'up to 4000 bytes'),
                ([['a'] * 41], 'at most 40 sets'),
                ([['a'] * 65], 'and 64 ids')]:
            for path in '/updates', '/events':
                with self.subTest(parts=str(parts)[:60], path=path):
                    response = self.http.get(
                        path, params={'parts': json.dumps(parts)})
                    self.assertEqual(response.status_code, 400)
                    if detail:
                        self.assertIn(detail, response.json()['detail'])
        for text in '', '[', '[["a"]', r'[["\ud800"]]', '[["a"]]x', '"a"':
            with self.subTest(text=text):
                response = self.http.get('/updates', params={'parts': text})
                self.assertEqual(response.status_code, 400)
        many = quote(json.dumps([[str(number)] for number in range(1000)]))
        response = self.http.get(f'/updates?parts={many}')
        self.assertEqual(response.status_code, 400)
        response = self.http.get(f'/updates?parts={many * 2}')
        self.assertEqual(response.status_code, 431)

    def test_ids_that_the_set_can_not_have(self):
        answer = self.ask([[1], [{'$tuple': ['a', 1]}], [1.5]]).json()
        self.assertEqual(
            [part['contents'] for part in answer['parts']], [[], [], []])
        generation, epoch = self.position()
        answer = self.ask([[1]], generation, epoch).json()
        self.assertEqual(answer['parts'], [{'path': [1]}])

    # What is pushed

    def trees(self):
        return self.app.state.gset._trees[1]

    def groups(self):
        return self.trees().tree(None).groups

    def stream(self, parts, generation=0, epoch=None):
        stream = Stream(self.http, generation, epoch, parts=parts)
        wait(lambda: stream.comments() or stream.ended)
        return stream

    def test_nobody_is_woken_for_a_sibling(self):
        generation, epoch = self.position()
        first = self.stream([['b']], generation, epoch)
        self.write('c', 'y')
        second = self.stream([['b']], generation + 1, epoch)
        other = self.stream([['b'], ['c']], generation, epoch)
        other.wait_for(generation + 1)
        for number in range(5):
            self.write('c', f'{number}')
            other.wait_for(generation + 2 + number)
        self.assertEqual(first.events() + second.events(), [])
        made = self.app.state.gset.metrics.made
        before = made._value.get()
        self.write('b', 'y')
        for stream in first, second, other:
            stream.wait_for(generation + 7)
        # The two of a group share one answer, although they are at different
        # positions.
        self.assertEqual(first.events(), second.events())
        self.assertEqual(first.events()[0][2]['parts'], [
            {'path': ['b'], 'adds': [['y', 1]]}])
        self.assertEqual(first.events()[0][2]['since'], generation)
        self.assertEqual(made._value.get() - before, 2)

    def test_groups_go_with_their_last_listener(self):
        generation, epoch = self.position()
        self.stream([['b']], generation, epoch)
        self.assertEqual(list(self.groups()), [(('b',),)])
        groups = self.groups()
        self.app.state.gset.stop()
        wait(lambda: not groups)

    def test_long_polls(self):
        generation, epoch = self.position()
        found = []
        thread = threading.Thread(target=lambda: found.append(self.ask(
            [['b']], generation, epoch, wait=30).json()))
        thread.start()
        wait(lambda: self.groups())
        self.write('c', 'y')
        self.write('b', 'y')
        thread.join(90)
        self.assertEqual(found[0]['generation'], generation + 2)
        self.assertEqual(found[0]['parts'], [
            {'path': ['b'], 'adds': [['y', 1]]}])

    def test_renewed_epochs(self):
        generation, epoch = self.position()
        stream = self.stream([['b']], generation, epoch)
        with self.changing() as things:
            things.renew()
        wait(lambda: stream.events())
        [(_, _, answer)] = stream.events()
        self.assertEqual((answer['reset'], answer['since_epoch']),
                         ('epoch', epoch))


class JoiningTests(ClientTests):

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            add_subsets(things)

    def test_parts_join_and_go(self):
        client = self.make_client(self.url, parts=['a'])
        client.sync()
        self.assertEqual(client.replica.items, {'a': {'x': 'a'}})
        client.put(('b', 'y'), 1)
        self.assertEqual(client.replica.items, {'a': {'x': 'a'}})
        client.add_part('b')
        self.assertEqual(client.replica.items, {
            'a': {'x': 'a'}, 'b': {'x': 'b', 'y': 1}})
        client.put(('b', 'y'), 2)
        self.assertEqual(client.replica.items['b']['y'], 2)
        client.drop_part('a')
        self.assertEqual(client.parts, (('b',),))
        self.assertEqual(client.replica.items, {'b': {'x': 'b', 'y': 2}})
        for wrong in 'b', ('b', 'c'):
            with self.subTest(wrong=wrong), \
                    self.assertRaises((KeyError, ValueError)):
                client.drop_part(wrong)
        with self.assertRaises(ValueError):
            client.add_part(('b', 'c'))


JoiningClientTests, JoiningAsyncClientTests = for_both(JoiningTests, Served)


class TenantTests(Served):
    """Nobody learns of the parts of somebody else."""

    options = {
        'write': True, 'heartbeat': 3600,
        'tokens': {'ann': 'ann', 'bob': 'bob'},
        'name': lambda request: request.scope['user'],
        'find': lambda root, user: root['sets'][user]}

    def setUp(self):
        super().setUp()
        with self.db.transaction() as connection:
            connection.root.sets = {'ann': GSet(), 'bob': GSet()}
            for gset in connection.root.sets.values():
                add_subsets(gset)

    def test_two_tenants(self):
        """They name the same parts, and have the same generations."""
        with Client(self.url, 'ann', parts=['a', 'b']) as ann, \
                Client(self.url, 'bob', parts=['a', 'b']) as bob:
            ann.sync()
            bob.sync()
            self.assertEqual(ann.position.generation, bob.position.generation)
            streams = {client: Stream(
                self.http, *reversed(client.position), parts=[['a'], ['b']],
                authorization=f'Bearer {client.token}')
                for client in (ann, bob)}
            wait(lambda: all(each.comments() for each in streams.values()))
            ann.put(('a', 'secret'), 'of ann')
            ann.add_part('c')
            bob.put(('a', 'own'), 'of bob')
            for client, mine in (ann, 'of ann'), (bob, 'of bob'):
                wait(streams[client].events)
                [(_, _, data)] = streams[client].events()
                [part] = [each for each in data['parts'] if len(each) > 1]
                [(_, item)] = part['adds']
                self.assertEqual(item, mine)
            ann.sync()
            bob.sync()
            self.assertEqual(ann.replica.items['a'], {
                'x': 'a', 'secret': 'of ann'})
            self.assertEqual(bob.replica.items, {
                'a': {'x': 'a', 'own': 'of bob'}, 'b': {'x': 'b'}})
            # Whoever presents another's position starts over, with their own.
            answer = self.http.get('/updates', params={
                'parts': '[["a"]]', 'generation': ann.position.generation,
                'epoch': ann.position.epoch},
                headers={'authorization': 'Bearer bob'}).json()
            self.assertEqual(answer['reset'], 'epoch')
            self.assertNotIn('of ann', json.dumps(answer))


class WatchingTests(Served):

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            add_subsets(things)

    def test_a_watch_goes_on_with_other_parts(self):
        with Client(self.url, parts=['a']) as client:
            seen = []

            def watch():
                for changes in client.watch():
                    seen.extend(change.path for change in changes)

            thread = threading.Thread(target=watch)
            thread.start()
            wait(lambda: self.listening() == [(('a',),)])
            client.add_part('b')
            wait(lambda: self.listening() == [(('a',), ('b',))])
            self.http.put('/items/b/y', json=1)
            wait(lambda: ('b', 'y') in seen)
            client.drop_part('a')
            wait(lambda: self.listening() == [(('b',),)])
            self.http.put('/items/a/y', json=1)
            self.http.put('/items/b/z', json=1)
            wait(lambda: ('b', 'z') in seen)
            self.assertNotIn(('a', 'y'), seen)
            self.assertIn(('a',), seen)  # it was removed
        thread.join(90)
        self.assertFalse(thread.is_alive())

    def listening(self):
        trees = self.app.state.gset._trees
        return list(trees[1].tree(None).groups) if trees else []

    def test_another_epoch(self):
        with Client(self.url, parts=['a']) as client:
            client.sync()
            with self.changing() as things:
                things.renew()
                things['a'].add(Document('y', 1))
            client.add_part('b')
            self.assertEqual(client.replica.items, {
                'a': {'x': 'a', 'y': 1}, 'b': {'x': 'b'}})
