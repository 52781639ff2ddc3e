"""Histories: savepoints, packing, reopening, undo."""

import transaction
from ZODB.POSException import ConflictError, UndoError

from zc.generationalset import GSet
from zc.generationalset.tests.contract.base import (
    BEGINNING,
    Base,
    put,
    remove,
    touch,
)
from zc.generationalset.tests.support import writers
from zc.generationalset.tests.support.things import (
    Client,
)


class Savepoints(Base):

    def test_rollback(self):
        start = self.generation()
        with self.session() as session:
            put('x', 1)(session.tree)
            savepoint = session.savepoint()
            put('y', 2)(session.tree)
            put('y', 2, 's')(session.tree)
            savepoint.rollback()
            put('z', 3)(session.tree)
            session.savepoint()
            session.commit()
        self.assertEqual(self.generation(), start + 2)
        self.verify({'x': 1, 'z': 3})

    def test_rollback_of_subset(self):
        with self.session() as session:
            put('x', 1)(session.tree)
            savepoint = session.savepoint()
            session.tree.add(GSet('t'))
            del session.tree['s']
            savepoint.rollback()
            put('y', 2, 's')(session.tree)
            session.commit()
        self.verify({'x': 1, 's': {**BEGINNING['s'], 'y': 2}})

    def check_race(self, ids, commit=False):
        """Let a transaction with savepoints lose."""
        with self.session(0) as one, self.session(1) as two:
            put('x', 1)(one.tree)
            put(ids[0], 2)(two.tree)
            two.savepoint()
            put(ids[1], 2)(two.tree)
            savepoint = two.savepoint()
            put('undone', 2)(two.tree)
            savepoint.rollback()
            one.commit()
            two.commit()

    def test_different_ids(self):
        expected = {'x': 1, 'y': 2, 'z': 2}
        if self.resolves:
            self.check_race('yz')
        else:
            self.assertRaises(ConflictError, self.check_race, 'yz')
            self.transact(put('y', 2), put('z', 2))
        self.verify(expected)

    def test_same_id(self):
        for ids in 'xz', 'zx':
            self.assertRaises(ConflictError, self.check_race, ids)
        self.verify({'x': 1})


class Packing(Base):

    def pack(self):
        self.dbs[0].pack()

    def test_pack(self):
        expected = {}
        with writers.small_journal():
            for number in range(30):
                self.transact(put(f'x{number}', number))
                self.transact(put('y', number, 's'))
                self.sync(self.client())
                if number >= 10:
                    self.transact(remove(f'x{number - 10}'))
            self.pack()
            expected = {f'x{number}': number for number in range(20, 30)}
            expected['s'] = {**BEGINNING['s'], 'y': 29}
            self.verify(expected)
        self.assert_resolved(self.race(put('x', 1), put('z', 2)))
        self.verify({**expected, 'x': 1, 'z': 2})

    def test_pack_during_a_transaction(self):
        self.race(put('x', 1), put('y', 2), self.pack)
        # A state to compare with is gone; ZODB logs that as an error.
        self.forget_resolver_errors()
        self.verify({'x': 1, 'y': 2})


class Reopening(Base):

    def test_reopen(self):
        with writers.small_journal():
            for number in range(10):
                self.transact(put('x', number), put(f'y{number}', 1, 's'))
                self.sync(self.client())
                self.close()
                self.open()
                self.race(put('v', number), put('w', number))
        self.close()
        self.open()
        self.assert_resolved(self.race(put('v', 10), put('w', 10)))
        self.verify({'v': 10, 'w': 10, 'x': 9, 's': {
            **BEGINNING['s'], **{f'y{number}': 1 for number in range(10)}}})


class Undoing(Base):

    def undo(self, *numbers):
        """Undo several transactions in one; 0 is the latest."""
        db = self.dbs[0]
        log = db.undoLog(0, 20)
        manager = transaction.TransactionManager()
        try:
            db.undoMultiple(
                [log[number]['id'] for number in numbers], manager.get())
            manager.commit()
        except BaseException:
            manager.abort()
            raise

    def renew(self):
        """Do what must be done after undo.

        The generations that were undone will be given to other changes, and
        clients of the old epoch must start over.
        """
        self.transact(lambda tree: tree.renew())
        self.clients = [Client() for _ in self.clients]

    def test_last(self):
        self.transact(put('x', 1), put('x', 1, 's'))
        self.sync(self.client())
        start = self.generation()
        self.transact(put('y', 2), touch('a', 2), touch('e', 2, 's'))
        # A client that is ahead starts over.
        self.sync(self.client())
        self.undo(0)
        self.assertEqual(self.generation(), start)
        expected = {'x': 1, 's': {**BEGINNING['s'], 'x': 1}}
        self.verify(expected)
        self.renew()
        self.transact(put('z', 3))
        self.verify({**expected, 'z': 3})

    def test_of_checkpoint(self):
        expected = {}
        with writers.small_journal():
            for number in range(20):
                id = f'x{number}'
                self.transact(put(id, 1), put('y', number, 's'))
                self.undo(0)
                self.verify(expected)
                self.renew()
                self.transact(put(id, 2), put('y', number, 's'))
                expected[id] = 2
                expected['s'] = {**BEGINNING['s'], 'y': number}
                self.sync(self.client())
        self.verify(expected)

    def test_of_removed_subset(self):
        self.transact(put('x', 1, 's'))
        self.transact(remove('s'))
        self.sync(self.client())
        self.undo(0)
        self.verify({'s': {**BEGINNING['s'], 'x': 1}})

    def test_of_added_subset(self):
        self.transact(lambda tree: tree.add(GSet('t')), put('f', 1, 't'))
        self.sync(self.client())
        self.undo(0)
        self.verify({})

    def test_several(self):
        start = self.generation()
        self.transact(put('x', 1))
        self.transact(put('x', 2), put('y', 2))
        self.transact(put('x', 3, 's'))
        self.undo(0, 1, 2)
        self.assertEqual(self.generation(), start)
        self.verify({})

    def test_older(self):
        self.transact(put('x', 1))
        self.transact(put('y', 2))
        self.transact(put('z', 3, 's'))
        for number in 1, 2:
            self.assertRaises(UndoError, self.undo, number)
        self.verify({'x': 1, 'y': 2, 's': {**BEGINNING['s'], 'z': 3}})

    def test_while_others_write(self):
        self.transact(put('x', 1))
        with self.session(1) as session:
            put('y', 2)(session.tree)
            self.undo(0)
            with self.assertRaises(ConflictError):
                session.commit()
        self.verify({})
