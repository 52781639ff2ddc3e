"""One answer, or one page, on its way into tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from zc.generationalset.parts import Path
from zc.generationalset.replica.changes import Changes
from zc.generationalset.sql.applying import Applied, Batch, apply, batch
from zc.generationalset.sql.database import Applying
from zc.generationalset.sql.errors import (
    Collision,
    DatabaseError,
    Refused,
    WrongValue,
)
from zc.generationalset.sql.replica.listed import CHUNK, Listed, forget
from zc.generationalset.sql.replica.making import make_table
from zc.generationalset.sql.replica.rows import (
    check_keys,
    filled,
    keys_of,
    rows_of,
)
from zc.generationalset.sql.replica.state import Known, State
from zc.generationalset.sql.tables import Key, Table
from zc.generationalset.updates import Lacking, Updates
from zc.generationalset.wire import (
    decode_value,
    encode_id,
    encode_value,
    id_from_plain,
    parse,
)

#: More rows than ever wait.
MANY = 2 ** 31 - 1
#: What names the set at the top.
_TOP = ''

#: Takes the name of a set, its path, and its updates.
_Change: TypeAlias = 'Callable[[str, Path, Updates], None]'


class Transfer:
    """Applies what an answer says, within a transaction.

    group
        The name of the copy's notes.
    top
        The name of the table for items at the top, if any.
    """

    def __init__(
            self, applying: Applying, group: str, state: State,
            top: str | None) -> None:
        self._applying = applying
        self._group = group
        self._top = top
        self.state = state
        #: The group of rows that wait, with their values, because another row
        #: has a unique value of theirs.  Mostly, a later page has that row.
        self._waiting = f'{group}, waiting'
        #: A change for each row.
        self.changes = Changes()

    # Answers

    def update(self, news: Updates, is_all: bool) -> None:
        """Apply an answer.

        is_all
            Whether whatever it doesn't list is gone.
        """
        def change(name: str, path: Path, updates: Updates) -> None:
            self._update(name, path, updates, is_all)

        if is_all:
            self._forget_waiting()
        listed = self._enter(news, change)
        if is_all:
            for name in self.state.sets.keys() - listed:
                self._empty(name)

    def _enter(self, news: Updates, change: _Change) -> set[str]:
        """Apply the updates of the top; return the names of its sets."""
        sets = self.state.sets.keys()
        items, listed = [], set()
        for id, ob in news.entries:
            if isinstance(ob, Updates):
                name = _name(id)
                listed.add(name)
                change(name, (id,), ob)
            else:
                items.append((id, ob))
        for name in sets & set(map(_name, news.removals)):
            self._empty(name)
        gone, kept = ([id for id in ids if _name(id) not in sets]
                      for ids in (news.removals, news.kept))
        listed |= sets & set(map(_name, news.kept))
        if items or gone or kept or _TOP in sets:
            listed.add(_TOP)
            change(_TOP, (), Updates(news.whole, gone, items, kept))
        return listed

    def _update(
            self, name: str, path: Path, updates: Updates, is_all: bool,
    ) -> None:
        table = self._table(name, path, updates)
        if table is None:
            return
        found, kept = self._batch(name, table, path, updates)
        if updates.whole or is_all:
            self._drop_waiting(name, self._waiting_ids(name))
            there = {*found.rows, *kept}
            found.removals.extend([
                key for key in self._keys(table) if key not in there])
        self._note(path, table, apply(self._applying, found))

    def settle(self) -> None:
        """Check what holds as soon as all rows are of one moment."""
        self._apply_waiting(apply_all=True)
        self._applying.check_references([
            table for known in self.state.sets.values()
            if not self.state.is_settled
            and (table := self._applying.find(known.table)) is not None])
        self.state = self.state._replace(is_settled=True)

    # Pages

    def begin_pages(self, is_anew: bool) -> None:
        self._forget_listed()
        if is_anew:
            self._forget_waiting()
        self.state = self.state._replace(
            is_anew=is_anew, paged=(), is_settled=False)

    def page(self, news: Updates) -> None:
        """Apply a page."""
        listed = self._enter(news, self._add)
        self.state = self.state._replace(
            is_anew=self.state.is_anew or news.whole,
            paged=tuple(dict.fromkeys([*self.state.paged, *listed])))

    def _add(self, name: str, path: Path, updates: Updates) -> None:
        is_new = name not in self.state.sets
        table = self._table(name, path, updates)
        if table is None:
            return
        found, kept = self._batch(name, table, path, updates)
        listed = self._listed(name)
        if listed if name in self.state.paged else not is_new:
            listed.add(_name(table.id_of(key))
                       for keys in (found.rows, kept) for key in keys)
        self._apply_some(name, path, found)
        if updates.whole:
            self._drop_others(name, table, path)

    def _apply_some(self, name: str, path: Path, found: Batch) -> None:
        """Apply the rows whose unique values aren't those of others."""
        try:
            self._note(path, found.table, apply(self._applying, found))
            return
        except Collision:
            keys = list(found.rows)
        if found.removals or len(keys) > 1:
            middle = len(keys) // 2
            gone = found._replace(rows={})
            self._note(path, found.table, apply(self._applying, gone))
            for some in keys[:middle], keys[middle:]:
                self._apply_some(name, path, found._replace(
                    removals=[], rows={key: found.rows[key] for key in some}))
        else:
            self._applying.notes.put(self._waiting, [
                (json.dumps([name, _name(found.table.id_of(keys[0]))]),
                 encode_value(found.rows[keys[0]]).decode())])

    def _apply_waiting(self, apply_all: bool) -> None:
        """Apply the rows that wait, now that those in the way are gone.

        apply_all
            Whether none may wait any longer: then Collision is raised.
        """
        notes = self._applying.notes
        batches: dict[str, Batch] = {}
        for member in notes.names(self._waiting, MANY):
            name, _ = json.loads(member)
            row = decode_value(notes.get(self._waiting, member) or '')
            table = self._applying.find(self.state.sets[name].table)
            if table is not None:
                found = batches.setdefault(name, Batch(table, [], {}))
                found.rows[tuple([row[each] for each in table.key])] = row
        self._forget_waiting()
        for name, found in batches.items():
            if apply_all:
                self._note(_path(name), found.table, apply(
                    self._applying, found))
            else:
                self._apply_some(name, _path(name), found)

    def end_pages(self) -> None:
        """Remove what no page has listed, if the pages are of everything."""
        if self.state.is_anew:
            for name in self.state.sets:
                table = self._applying.find(self.state.sets[name].table)
                if name not in self.state.paged:
                    self._empty(name)
                elif table is not None:
                    self._drop_others(name, table, _path(name))
        self._forget_listed()
        self._apply_waiting(apply_all=False)

    def _listed(self, name: str) -> Listed:
        return Listed(self._applying.notes, f'{self._group}, listed: {name}')

    def _drop_others(self, name: str, table: Table, path: Path) -> None:
        """Remove the rows of a set that no page has listed."""
        listed = self._listed(name)
        if not listed:
            return  # no row was there before the pages
        listed.spread()
        after = None
        while rows := list(self._applying.scan(table.narrow, after, CHUNK)):
            after = rows[-1].key
            keys = {_name(table.id_of(row.key)): row.key for row in rows}
            others = listed.missing(list(keys))
            self._remove(table, path, [keys[each] for each in others])
        self._drop_waiting(name, listed.missing(self._waiting_ids(name)))
        listed.forget()

    def _waiting_ids(self, name: str) -> list[str]:
        """Return the ids of a set's rows that wait, as JSON."""
        members = map(json.loads, self._applying.notes.names(
            self._waiting, MANY))
        return [id for other, id in members if other == name]

    def _drop_waiting(self, name: str, ids: Iterable[str]) -> None:
        self._applying.notes.drop(
            self._waiting, [json.dumps([name, id]) for id in ids])

    def _forget_listed(self) -> None:
        for name in self.state.paged:
            self._listed(name).forget()

    def _forget_waiting(self) -> None:
        forget(self._applying.notes, self._waiting)

    # Tables

    def _table(self, name: str, path: Path, updates: Updates) -> Table | None:
        """Return the table of a set; None if it needs none yet."""
        known = self.state.sets.get(name)
        wanted = _wanted(path, self._top, updates) if known is None \
            else known.table
        table = self._applying.find(wanted)
        if known is not None:
            if table is None:
                raise DatabaseError(
                    f'table {wanted}: it is not there any more')
            return table
        entries = list(updates.entries)
        if table is None:
            if not entries:
                return None
            table = make_table(self._applying, wanted, entries)
        self._check_free(table)
        self.state = self.state._replace(
            sets={**self.state.sets, name: Known(str(table))})
        return table

    def _check_free(self, table: Table) -> None:
        """Raise an error for a table that has something else than a copy."""
        if not table.key:
            raise DatabaseError(f'table {table}: expected a primary key, of '
                                'types that can be ids')
        if list(self._applying.scan(table, limit=1)):
            raise Refused(f'table {table}: expected no rows before the first '
                          'copy, got some')
        if any(known.table == str(table)
               for known in self.state.sets.values()):
            raise Refused(f'table {table}: expected one set for it, got two')

    def _keys(self, table: Table) -> Iterable[Key]:
        return (row.key for row in self._applying.scan(table.narrow))

    def _batch(
            self, name: str, table: Table, path: Path, updates: Updates,
    ) -> tuple[Batch, Sequence[Key]]:
        """Return what is to be applied, and the keys of what is kept."""
        known = self.state.sets[name]
        columns, rows = filled(
            known.columns, rows_of(table, path, updates.entries))
        self.state = self.state._replace(
            sets={**self.state.sets, name: known._replace(columns=columns)})
        wanted = [table.key_of(id) for id in updates.kept]
        kept = [row.key for row in self._applying.rows(table.narrow, wanted)]
        if len(kept) < len(wanted):
            raise Lacking
        found = batch(
            self._applying, table, keys_of(table, updates.removals), rows)
        check_keys(table, rows, found.rows)
        if self._applying.notes.names(self._waiting, 1):
            self._drop_waiting(name, [
                _name(table.id_of(key))
                for keys in (found.rows, found.removals) for key in keys])
        return found, kept

    def _note(
            self, path: Path, table: Table, applied: Sequence[Applied],
    ) -> None:
        """Note what was applied."""
        for kind, key, values in applied:
            self.changes.note(kind, (*path, table.id_of(key)), values)

    def _empty(self, name: str) -> None:
        """Remove all rows of a set."""
        table = self._applying.find(self.state.sets[name].table)
        if table is not None:
            while rows := list(self._applying.scan(table, limit=CHUNK)):
                self._remove(table, _path(name), [row.key for row in rows])

    def _remove(self, table: Table, path: Path, keys: list[Key]) -> None:
        self._note(path, table, apply(
            self._applying, Batch(table, keys, {})))


def _name(id: Any) -> str:
    return encode_id(id).decode()


def _id(name: str) -> Any:
    return id_from_plain(parse(name))


def _path(name: str) -> Path:
    return () if name == _TOP else (_id(name),)


def _wanted(path: Path, top: str | None, updates: Updates) -> str:
    """Return the name of the table for a set."""
    if path:
        if not isinstance(path[0], str):
            raise WrongValue('expected the name of a table as the id of a '
                             f'set, got {path[0]!r}')
        return path[0]
    if top is None:
        for id, _ in updates.entries:
            raise WrongValue('expected sets at the top, each of which is a '
                             f'table, got the item {id!r}; give the name of '
                             'a table for items at the top')
    return top or _TOP
