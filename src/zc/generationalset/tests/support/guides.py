"""The blocks of a page of docs that a user would copy, and runs."""

import re
import shlex

import httpx
from docutils.core import publish_doctree
from docutils.nodes import literal, literal_block, paragraph

from zc.generationalset.tests.support.places import CHECKOUT
from zc.generationalset.tests.support.ports import free_port

#: Where pages say that a clone is.
CLONE = '/src/zc.generationalset'


class Guide:
    """A page.

    A block is named by the last literal in the paragraph before it.
    """

    def __init__(self, name):
        tree = publish_doctree((CHECKOUT / 'docs' / name).read_text('utf-8'))
        self._blocks = []
        last = ''
        for node in tree.findall(lambda node: isinstance(
                node, paragraph | literal_block)):
            if isinstance(node, literal_block):
                self._blocks.append((last, node.astext()))
                last = ''
            else:
                words = [each.astext() for each in node.findall(literal)]
                last = words[-1] if words else ''

    def block(self, name):
        """Return the only block of this name."""
        [text] = [text for each, text in self._blocks if each == name]
        return text

    def programs(self):
        """Return the names and texts of the files in Python."""
        return [(name, text) for name, text in self._blocks
                if name.endswith('.py')]

    def sessions(self):
        """Yield each command, as a list of words, with its output."""
        for _, text in self._blocks:
            for part in re.split(r'^\$ ', text, flags=re.M)[1:]:
                line, _, output = part.partition('\n')
                yield shlex.split(line), output

    def commands(self):
        """Return the commands as lists of words."""
        return [shlex.split(line[2:].replace(CLONE, str(CHECKOUT)))
                for _, text in self._blocks for line in text.splitlines()
                if line.startswith('$ ')]


def free_ports(number):
    """Return ports, as text, for servers that a page's code starts."""
    return [str(free_port()) for _ in range(number)]


def answers(url):
    """Tell whether a server answers."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
