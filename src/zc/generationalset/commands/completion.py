"""The command ``gset completion``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

from zc.generationalset.commands import add_command
from zc.generationalset.extras import need

SHELLS = 'bash', 'zsh', 'fish'
DESCRIPTION = '''\
Print a script by which a shell completes commands, options and files.

examples:
  eval "$(gset completion bash)"
      in ~/.bashrc
  gset completion zsh > ~/.zfunc/_gset
      once; ~/.zshrc has "fpath+=~/.zfunc" before "compinit"
  gset completion fish > ~/.config/fish/completions/gset.fish
      once
'''


def add_parser(
        commands: Any, whole: Callable[[], argparse.ArgumentParser]) -> None:
    """Add the parser of this command.

    whole
        Returns the parser of all commands.
    """
    parser = add_command(
        commands, 'completion', 'let a shell complete commands', DESCRIPTION)
    parser.add_argument('shell', metavar='SHELL', choices=SHELLS,
                        help=', '.join(SHELLS))
    parser.set_defaults(run=lambda options: run(options, whole()))


def run(
        options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    need('completion')
    import shtab
    parser.prog = 'gset'
    for action in _actions(parser):
        metavar = str(action.metavar)
        if 'FILE' in metavar or '.fs' in metavar:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif metavar == 'DIR':
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(parser, options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser, and of the parsers of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _actions(each)
