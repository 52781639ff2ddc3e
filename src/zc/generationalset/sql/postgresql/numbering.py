"""Gives generations to what is in the queues, as a snapshot sees it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from zc.generationalset.answers import Position
from zc.generationalset.sql.postgresql import moment
from zc.generationalset.sql.postgresql.connections import (
    Connection,
    execute,
    transaction,
)
from zc.generationalset.sql.postgresql.layout import (
    SNAPSHOT,
    Layout,
    Tracked,
)
from zc.generationalset.sql.postgresql.moment import Moment
from zc.generationalset.sql.postgresql.triggers import keys, olds

# One after the other: this takes no snapshot, so the snapshot that follows has
# what the one before has written.  Writers of tables don't wait for it.
_BEGIN = f'{SNAPSHOT}; LOCK TABLE gset.state IN EXCLUSIVE MODE'


def number(
        connection: Connection, layout: Layout,
        share: Callable[[str], None] | None = None,
) -> Moment:
    """Number what isn't numbered, in a transaction; return its moment.

    The moment has the generation after that, and the condition that found the
    news before.

    Changes that have a number are moved out of the queue.  If there are many,
    they wait there, and each time some of them are moved: nobody should wait
    until all are.

    share
        Called with the snapshot, which another transaction can use then.  It
        finds no more in the queue than there was, so none of that waits.
    """
    with transaction(connection, _BEGIN):
        if share is not None:
            [[name]] = execute(connection, 'SELECT pg_export_snapshot()')
            share(name)
        now = moment.read(connection, moment.question(layout))
        if not now.fits(layout):
            return now
        before = now
        if not now.is_numbered:
            now = _numbered(connection, layout, now, share is None)
        for each in layout.numbers.values():
            if before.tables[each.number].waiting is not None:
                _move_some(connection, each, before, now)
        return now


def _numbered(
        connection: Connection, layout: Layout, now: Moment, may_wait: bool,
) -> Moment:
    generation = now.generation + 1
    tables = dict(now.tables)
    for each in layout.numbers.values():
        state = tables[each.number]
        is_same = not now.is_other and state.stored == state.fingerprint
        if may_wait and state.has_many_news and not now.is_other:
            is_known = is_same and not _is_cleared(connection, each, now.news)
            state = state._replace(waiting=generation)
            _let_wait(connection, each, generation)
        elif not is_same:
            _forget(connection, each, 'true' if now.is_other else now.news)
            is_known = False
            if now.is_other:
                state = state._replace(waiting=None)
                _let_wait(connection, each, None)
        elif state.news:
            _, is_cleared = _move(connection, each, now.news, generation)
            if is_cleared:
                _forget(connection, each, 'false')
            is_known = not is_cleared
        else:
            continue
        if not is_known:
            state = state._replace(
                floor=generation, stored=state.fingerprint)
            _raise(connection, each, generation, state.fingerprint)
        tables[each.number] = state
    now = now._replace(
        generation=generation, tables=tables, stored=now.identity,
        epoch=new_epoch() if now.is_other else now.epoch)
    _store(connection, now)
    return now


def new_epoch() -> str:
    return uuid.uuid4().hex


def _forget(connection: Connection, tracked: Tracked, news: str) -> None:
    execute(connection,
            f'DELETE FROM gset.queue_{tracked.number} WHERE {news}; '
            f'DELETE FROM gset.rows_{tracked.number}')
    if tracked.noted:
        execute(connection, f'DELETE FROM gset.olds_{tracked.number}')


def _move(
        connection: Connection, tracked: Tracked, where: str, generation: int,
) -> tuple[int, bool]:
    """Move changes out of the queue, and give them a generation.

    Return how many there were, and whether the table was cleared.

    This must not wait for a lock of the table: whoever numbers is waited for
    by readers, who have such locks.  So it can't look whether a row is there.
    One that went and came again may be noted as gone; then it is forgotten a
    little too early.

    What waited may be older than what was moved before.
    """
    names = ', '.join(keys(tracked.table))
    values = ', '.join([*keys(tracked.table), *olds(tracked.noted)])
    kept = f''', kept AS (
            INSERT INTO gset.olds_{tracked.number}
            SELECT {values}, $1::bigint
            FROM moved WHERE gone AND k1 IS NOT NULL
        )''' if tracked.noted else ''
    [[count, is_cleared]] = execute(connection, f'''
        WITH moved AS (
            DELETE FROM gset.queue_{tracked.number} WHERE {where}
            RETURNING {values}, gone
        ){kept}, noted AS (
            INSERT INTO gset.rows_{tracked.number} AS r
            SELECT {names}, $1::bigint, bool_or(gone)
            FROM moved WHERE k1 IS NOT NULL GROUP BY {names}
            ON CONFLICT ({names}) DO UPDATE
            SET generation = EXCLUDED.generation, gone = EXCLUDED.gone
                OR r.gone AND r.generation = EXCLUDED.generation
            WHERE r.generation <= EXCLUDED.generation
        )
        SELECT count(*), bool_or(k1 IS NULL) FROM moved''', generation)
    return int(count), bool(is_cleared)


def _is_cleared(connection: Connection, tracked: Tracked, news: str) -> bool:
    """Tell whether all rows of a table were removed at once."""
    [[is_cleared]] = execute(connection, f'''
        SELECT EXISTS (SELECT FROM gset.queue_{tracked.number}
                       WHERE {news} AND k1 IS NULL)''')
    return bool(is_cleared)


def _let_wait(
        connection: Connection, tracked: Tracked, generation: int | None,
) -> None:
    """Note the generation of what waits in a queue; None if nothing does."""
    execute(connection, '''
        UPDATE gset.tables SET waiting = $1 WHERE number = $2''',
            generation, tracked.number)


def _move_some(
        connection: Connection, tracked: Tracked, before: Moment, now: Moment,
) -> None:
    """Move some of the changes that waited in a queue before."""
    generation = now.tables[tracked.number].waiting
    if generation is None:
        return
    was, waits = before.waiting(tracked.number)
    # A scan of so large a table goes on where the last one has ended.
    count, _ = _move(connection, tracked, f'''ctid = ANY (ARRAY(
        SELECT ctid FROM gset.queue_{tracked.number}
        WHERE {waits} LIMIT {moment.MANY}))''', generation)
    if count < moment.MANY and generation == was:
        _let_wait(connection, tracked, None)


def _raise(
        connection: Connection, tracked: Tracked, floor: int,
        fingerprint: str,
) -> None:
    execute(connection, '''
        UPDATE gset.tables SET floor = $2, fingerprint = $3
        WHERE number = $1''', tracked.number, floor, fingerprint)


def _store(connection: Connection, now: Moment) -> None:
    execute(connection, '''
        UPDATE gset.state SET epoch = $1, generation = $2, identity = $3,
            snapshot = pg_current_snapshot()''',
            now.epoch, now.generation, now.identity)


def renew(
        connection: Connection, seen: Position) -> str | None:
    """Give the database a new epoch if it is behind a position."""
    with transaction(connection, _BEGIN):
        [[epoch, generation]] = execute(
            connection, 'SELECT epoch, generation FROM gset.state')
        if epoch != seen.epoch or generation >= seen.generation:
            return None
        new = new_epoch()
        execute(connection, 'UPDATE gset.state SET epoch = $1', new)
        return new


# How many removals a table keeps: so many, or as many as it has rows, as far
# as PostgreSQL knows without counting them.
_KEPT = '''greatest(1, $1::bigint, (
    SELECT sum(greatest(c.reltuples, 0))::bigint FROM pg_catalog.pg_class c
    WHERE c.relkind = 'r' AND (c.oid = $2::oid OR c.oid IN (
        SELECT relid
        FROM pg_catalog.pg_partition_tree($2::oid::regclass)))))'''


def tidy(connection: Connection, layout: Layout, removals: int) -> None:
    """Forget the oldest removals of each table that has too many.

    Those of one generation stay, or go, together.  Others don't wait while
    they are counted.

    removals
        How many are kept at least.
    """
    for each in layout.numbers.values():
        kinds = {f'gset.rows_{each.number}': 'gone'}
        if each.noted:
            kinds[f'gset.olds_{each.number}'] = 'true'
        lasts = ' UNION ALL '.join([
            f'''SELECT max(generation) AS last FROM {name}
            WHERE {is_removal} AND generation < (
                SELECT generation FROM {name} WHERE {is_removal}
                ORDER BY generation DESC OFFSET {_KEPT} - 1 LIMIT 1)'''
            for name, is_removal in kinds.items()])
        [[last]] = execute(
            connection, f'SELECT max(last) FROM ({lasts}) AS l',
            removals, each.relation.oid)
        if last is not None:
            with transaction(connection, _BEGIN):
                _forget_until(connection, each, kinds, last)


def _forget_until(
        connection: Connection, tracked: Tracked, kinds: Mapping[str, str],
        last: int) -> None:
    """Forget removals until a generation, which becomes the floor.

    kinds
        Tables that have these, with the condition that finds them.
    """
    for name, is_removal in kinds.items():
        execute(connection, f'DELETE FROM {name} '
                f'WHERE {is_removal} AND generation <= $1', last)
    execute(connection, '''
        UPDATE gset.tables SET floor = $1
        WHERE number = $2 AND floor < $1''', last, tracked.number)
