"""The command ``gset``, a module for each subcommand."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


class Failure(Exception):
    """The command can't do what was asked; the text is one line.

    The exit code is 2 if the user has to correct something first, or if the
    server couldn't be asked; 1 if the answer is no.
    """

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


def add_command(
        commands: Any, name: str, help: str, description: str,
) -> argparse.ArgumentParser:
    """Add a parser whose description keeps its lines.

    Options can't be abbreviated, because new options would change what an
    abbreviation means.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=description, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    return parser


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return the type for an option that is a whole number."""
    expected = f'expected a number of {least} ' + (
        'or more' if most is None else f'to {most}')

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f'{expected}, got {text!r}')
        return value

    return read
