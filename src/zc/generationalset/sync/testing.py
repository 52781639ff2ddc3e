"""What every store must do, as tests for those who write one."""

from __future__ import annotations

import contextlib
import datetime
import unittest
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from zc.generationalset.merging import ABSENT, canonical, same
from zc.generationalset.sync.accessor import Accessor, Changes, Listed
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import Gone, Refused, Stale, Unreadable
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.type import Type

#: Two values of each kind.
VALUES: Mapping[str, tuple[Any, Any]] = {
    'str': ('plain', 'line\n "ä" \U0001f600 \' : # '), 'int': (1, -2 ** 40),
    'decimal': (Decimal('1.5'), Decimal('-0.01')), 'bool': (True, False),
    'date': (datetime.date(2026, 1, 2), datetime.date(1999, 12, 31)),
    'datetime': (
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        datetime.datetime(1999, 1, 1, tzinfo=datetime.timezone.utc)),
    'set': (frozenset(['a', 'b']), frozenset()),
    'bytes': (b'\0\xff', b''), 'json': ({'a': [1, None]}, [True])}

if TYPE_CHECKING:
    _Case = unittest.TestCase
else:
    _Case = object


def sample(type: Type, number: int) -> dict[str, Any]:
    """Return fields for a test; the number says which values.

    Texts in the key are unlike any others.  References are left out.
    """
    fields = {}
    for field, kind in type.fields.items():
        if field in type.key and kind.name == 'str':
            fields[field] = f'gset-check-{uuid4().hex[:12]}'
        elif kind.choices:
            fields[field] = kind.choices[number % len(kind.choices)]
        elif kind.name in VALUES:
            fields[field] = VALUES[kind.name][number % 2]
    return fields


class StoreTests(_Case):
    """A mixin for ``unittest.TestCase``.

    It adds items to the store, and removes them again; others may be there.
    Only the fields of the type are tested that the store keeps, as
    ``Accessor.normal`` says.

    type
        A type that the store has.
    """

    type: Type

    def make_store(self) -> Store:
        """Return the store."""
        raise NotImplementedError

    def setUp(self) -> None:
        super().setUp()
        self.store = self.make_store()
        self.addCleanup(self.store.close)
        self.store.begin()
        self.accessor: Accessor = self.store.accessors[self.type.name]
        self.added: list[Any] = []
        self.addCleanup(self._remove_all)

    def _remove_all(self) -> None:
        for id in self.added:
            with contextlib.suppress(Gone):
                self.accessor.remove(id, self.accessor.get(id).token)

    def add(self, number: int = 0, key: str | None = None) -> Data:
        """Add a sample; return what the store answers."""
        fields = sample(self.type, number)
        data = self.accessor.add(
            Data(self.type.name, None, fields), key or uuid4().hex)
        self.added.append(data.id)
        self.assert_stored(data, fields)
        return data

    def patch(self) -> dict[str, Any]:
        """Return other values, also of the key if there is nothing else.

        A store may refuse to change a key.
        """
        fields = sample(self.type, 1)
        return {field: value for field, value in fields.items()
                if field not in self.type.key} or fields

    def assert_stored(self, data: Data, fields: Mapping[str, Any]) -> None:
        """Compare an item with fields, as the store keeps them."""
        expected = self.accessor.normal(fields)
        for field in self.type.fields:
            found = data.fields.get(field, ABSENT)
            wanted = expected.get(field, ABSENT)
            self.assertTrue(same(found, wanted), (field, wanted, found))

    def find(self, cursor: str | None = None) -> tuple[Changes, list[Any]]:
        """Return a reading, and what it has listed."""
        found = self.accessor.find(cursor)
        changes = found if isinstance(found, Changes) else Changes(found)
        listed = [self._read(each) for each in changes]
        self.assertTrue(changes.complete)
        return changes, listed

    def _read(self, each: Any) -> Any:
        try:
            return self.accessor.get(each.id) if isinstance(
                each, Listed) else each
        except Unreadable as error:
            return error

    def tokens(self) -> dict[str, str | None]:
        """Return the listed tokens by the ids of their items."""
        return {canonical(each.id): each.token
                for each in self.accessor.find()
                if isinstance(each, (Data, Listed))}

    def listed(self) -> dict[str, Any]:
        """Return all items by their ids, as text."""
        changes, listed = self.find()
        self.assertTrue(changes.snapshot)
        found = {canonical(each.id): each for each in listed}
        self.assertEqual(len(found), len(listed), 'listed twice')
        return found

    # Tests

    def test_identity(self) -> None:
        self.assertEqual(self.store.identity(), self.store.identity())

    def test_fingerprint(self) -> None:
        """If there is one, it is another one after each change."""
        first = self.store.fingerprint()
        if first is None:
            return
        self.assertEqual(self.store.fingerprint(), first)
        data = self.add()
        second = self.store.fingerprint()
        self.assertNotEqual(second, first)
        self.accessor.remove(data.id, data.token)
        self.assertNotEqual(self.store.fingerprint(), second)

    def test_version(self) -> None:
        """If there is one, it is another one after each change."""
        version = self.accessor.version(None)
        if self.accessor.version(version) is None:
            return

        def check() -> None:
            nonlocal version
            now = self.accessor.version(version)
            self.assertTrue(
                now is None or now != version,
                f'something has changed, and the version is still {now}')
            version = now

        data = self.add()
        check()
        self.accessor.update(data.id, self.patch(), data.token)
        check()
        self.accessor.remove(data.id, self.accessor.get(data.id).token)
        check()

    def test_add(self) -> None:
        before = self.accessor.count()
        for number in 0, 1:
            data = self.add(number)
            self.assertIn(type(data.id), (str, int))
            self.assertEqual(data.type, self.type.name)
            again = self.accessor.get(data.id)
            self.assertEqual(again.id, data.id)
            self.assert_stored(again, dict(data.fields))
            self.assert_stored(
                self.listed()[canonical(data.id)], dict(data.fields))
        self.assertEqual(self.accessor.count(), before + 2)
        self.assertEqual(len(self.listed()), before + 2)

    def test_texts(self) -> None:
        texts = ['', ' ', 'null', '1', '"', '---', 'a: b', '[', '# x', '\t',
                 'a\nb', '\u00e4\U0001f600', 'a\u2028b\u2029c\x85d']
        fields = [field for field, kind in self.type.fields.items()
                  if kind.name == 'str' and field not in self.type.key]
        for text in texts if fields else ():
            try:
                data = self.accessor.add(Data(self.type.name, None, {
                    **sample(self.type, 0), fields[0]: text}), uuid4().hex)
            except Refused:
                continue
            self.added.append(data.id)
            self.assert_stored(
                self.accessor.get(data.id), {**data.fields,
                    fields[0]: self.accessor.normal({**data.fields,
                        fields[0]: text}).get(fields[0], ABSENT)})

    def test_update(self) -> None:
        data, other = self.add(), self.add(1)
        for field, value in sample(self.type, 1).items():
            try:
                answer = self.accessor.update(
                    data.id, {field: value}, data.token)
            except Refused:
                continue
            if self.store.settles:
                self.assertIsNotNone(
                    answer, 'a store that settles answers with what is '
                    'stored, because get may show an old state')
            now = self.accessor.get(data.id)
            self.assert_stored(now, {**data.fields, field: value})
            if answer is not None:
                self.assert_stored(answer, now.fields)
                self.assertEqual(answer.id, data.id)
            data = now
        self.assert_stored(self.accessor.get(other.id), other.fields)

    def test_listed_tokens(self) -> None:
        """They are others when items are."""
        data, other = self.add(), self.add(1)
        before = self.tokens()
        self.accessor.update(data.id, self.patch(), data.token)
        self.accessor.remove(other.id, other.token)
        after = self.tokens()
        self.assertNotIn(canonical(other.id), after)
        token = after[canonical(data.id)]
        if token is not None:
            self.assertNotEqual(token, before[canonical(data.id)])

    def test_clearing(self) -> None:
        data = self.add()
        for field in self.type.fields:
            if field not in self.type.key and field in data.fields:
                try:
                    self.accessor.update(
                        data.id, {field: ABSENT}, data.token)
                except Refused:
                    continue
                data = self.accessor.get(data.id)
                self.assertIn(data.fields.get(field), (None, '', b''))

    def test_remove(self) -> None:
        data, other = self.add(), self.add(1)
        self.accessor.remove(data.id, data.token)
        self.assertRaises(Gone, self.accessor.get, data.id)
        self.assertRaises(Gone, self.accessor.remove, data.id, data.token)
        self.assertRaises(Gone, self.accessor.update, data.id,
                          sample(self.type, 1), data.token)
        self.assertNotIn(canonical(data.id), self.listed())
        self.assert_stored(self.accessor.get(other.id), other.fields)

    def test_tokens(self) -> None:
        data = self.add()
        if not self.accessor.capabilities.conditional:
            self.skipTest('the accessor compares no tokens')
        self.assertIsNotNone(data.token)
        patch = self.patch()
        self.accessor.update(data.id, patch, data.token)
        now = self.accessor.get(data.id)
        self.assertNotEqual(now.token, data.token)
        self.assertRaises(Stale, self.accessor.update, data.id,
                          dict(data.fields), data.token)
        self.assertRaises(Stale, self.accessor.remove, data.id, data.token)
        self.assert_stored(self.accessor.get(data.id), now.fields)

    def test_repeated_additions(self) -> None:
        if not self.accessor.capabilities.repeatable:
            self.skipTest('the accessor would add an item twice')
        data = self.add(key='gset-check-1')
        before = self.accessor.count()
        again = self.accessor.add(
            Data(self.type.name, None, dict(data.fields)), 'gset-check-1')
        self.assertEqual(again.id, data.id)
        self.assertEqual(self.accessor.count(), before)

    def test_deltas(self) -> None:
        if not self.accessor.capabilities.deltas:
            self.skipTest('the accessor lists no deltas')
        kept, changed, gone = self.add(), self.add(), self.add()
        cursor = self.find()[0].cursor
        changes, listed = self.find(cursor)
        self.assertEqual((changes.snapshot, listed), (False, []))
        self.accessor.update(
            changed.id, self.patch(), changed.token)
        self.accessor.remove(gone.id, gone.token)
        added = self.add(1)
        changes, listed = self.find(cursor)
        self.assertFalse(changes.snapshot)
        found = {each.id: isinstance(each, Gone) for each in listed}
        self.assertEqual(
            found, {changed.id: False, gone.id: True, added.id: False})
        self.assertNotIn(kept.id, found)
