"""Patches of documents: JSON merge patch, RFC 7396."""

from __future__ import annotations

from typing import Any

import msgspec

from zc.generationalset.wire.jsontext import WireError, dump, parse


def patched(document: bytes, patch: bytes) -> bytes:
    """Return the JSON text of a document after a merge patch.

    O(n).

    >>> patched(b'{"name": "Ann", "age": 42}', b'{"age": 43, "name": null}')
    b'{"age":43}'

    An extended value is no object, so it is replaced as a whole.

    >>> patched(b'{"born": {"$date": "1970-01-01"}}',
    ...         b'{"born": {"$date": "1971-01-01"}}')
    b'{"born":{"$date":"1971-01-01"}}'

    Raises WireError for what isn't JSON.  Whether the result is a value,
    ``decode_value`` tells.
    """
    return dump(_merged(_plain(document), _plain(patch)))


def _plain(text: bytes) -> Any:
    parse(text)  # its result may have Inexact numbers
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:  # a number is too large
        raise WireError(f'expected JSON as described, got: {error}') from error


def _merged(target: Any, patch: Any) -> Any:
    if not _is_object(patch):
        return patch
    result = dict(_members(target))
    for name, member in patch.items():
        if member is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), member)
    return result if _is_object(result) else {'$object': result}


def _members(target: Any) -> dict[str, Any]:
    """Return the members of an object, also in ``$object``; else none."""
    if type(target) is dict and not _is_object(target):
        target = target.get('$object')
    return target if type(target) is dict else {}


def _is_object(data: Any) -> bool:
    """Tell whether plain data are an object, and no extended value."""
    return type(data) is dict and not (
        len(data) == 1 and next(iter(data)).startswith('$'))
