"""What the commands of ``gset`` share."""

from __future__ import annotations

import argparse
from typing import Any


class Failure(Exception):
    """What was asked for couldn't be done; its text is one line.

    The exit code is 2 if the user has to put something right first, or the
    server couldn't be asked; 1 if the answer is no.
    """

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


def add_command(
        commands: Any, name: str, help: str, description: str,
) -> argparse.ArgumentParser:
    """Add a parser whose description keeps its lines.

    Options can't be abbreviated: new ones would change what that means.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=description, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    return parser
