"""What ``gset renew`` does."""

from __future__ import annotations

from typing import Any

import transaction
from ZODB.POSException import POSError

from zc.generationalset.commands import Failure, databases
from zc.generationalset.commands.auditing import find_sets


def renew(data: str, path: str | None) -> str:
    """Give a set a new epoch; return what was done, in words."""
    if (missing := databases.to_be_made(data)) is not None:
        raise Failure(f'expected a database, but there is no {missing}')
    with databases.opened(data) as db:
        manager = transaction.TransactionManager()
        connection = db.open(manager)
        try:
            for attempt in manager.attempts(5):
                with attempt:
                    text = _renew(connection.root(), path)
        except POSError as error:
            raise Failure(f'{databases.public(data)}: {error}') from error
        finally:
            connection.close()
    return text


def _renew(root: Any, path: str | None) -> str:
    sets = find_sets(root, path)
    if len(sets) > 1:
        raise Failure('expected --set, one of ' + ', '.join(sets))
    [(name, gset)] = sets.items()
    if not hasattr(gset, 'renew'):
        raise Failure(f'{name}: expected a set, got a mirror; renew its '
                      f'source, {gset.source}')
    before = gset.epoch
    gset.renew()
    return f'{name}: the epoch was {before}, and is {gset.epoch} now'
