"""The directive ``usage``: the help of a command and its subcommands."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from textwrap import indent
from typing import Any
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from zc.generationalset.__main__ import main as gset
from zc.generationalset.conformance.__main__ import main as conformance

COMMANDS: dict[str, Callable[[list[str]], Any]] = {
    'gset': gset, 'python -m zc.generationalset.conformance': conformance}


class Usage(SphinxDirective):
    """Makes a section for a command, and one for each subcommand."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        command = self.arguments[0]
        return self.parse_text_to_nodes(
            '\n'.join(_sections(command, COMMANDS[command])),
            allow_section_headings=True)


def _sections(
        command: str, main: Callable[[list[str]], Any], *words: str,
) -> Iterator[str]:
    title = ' '.join([command, *words])
    text = _help(command, main, *words)
    yield f'{title}\n{"=" * len(title)}\n'
    yield f'.. code-block:: none\n\n{indent(text, "    ")}\n'
    listed = re.search(r'^  [A-Z]+\n((?: {4}.*\n)+)', text, re.MULTILINE)
    for word in re.findall('^    ([a-z]+)', listed[1], re.M) if listed else []:
        yield from _sections(command, main, *words, word)


def _help(
        command: str, main: Callable[[list[str]], Any], *words: str) -> str:
    printed = io.StringIO()
    with (mock.patch('sys.argv', [command]), redirect_stdout(printed),
          suppress(SystemExit)):
        main([*words, '--help'])
    return printed.getvalue()


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive('usage', Usage)
    return {'parallel_read_safe': True}
