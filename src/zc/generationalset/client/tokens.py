"""The token of a user, in a file or in the environment.

It is not an argument of a command, because others could see it in the list of
processes.
"""

from __future__ import annotations

import os
import pathlib


def read_token(path: str | None) -> str | None:
    """Return the token in a file, or without a file the one in GSET_TOKEN.

    Raises OSError, and ValueError for a file with anything else.
    """
    if path is None:
        return os.environ.get('GSET_TOKEN') or None
    words = pathlib.Path(path).read_text('utf-8-sig').split()
    if len(words) != 1:
        raise ValueError(f'{path}: expected a token, and nothing else')
    return words[0]
