"""A type with a field of each kind, and an empty folder."""

from pathlib import Path
from tempfile import TemporaryDirectory

from zc.generationalset.sync import Type

TYPE = Type('issue', {
    'title': 'str', 'text': 'str', 'number': 'int', 'price': 'decimal',
    'done': 'bool', 'day': 'date', 'at': 'datetime', 'state': 'enum:open,done',
    'labels': 'set', 'more': 'json'}, ['title'])


class InFolder:
    """A mixin: ``self.path`` is an empty folder."""

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)
        super().setUp()
