"""A folder with ``sync.toml``, a note in a folder, and a table in a file."""

from pathlib import Path
from tempfile import TemporaryDirectory

CONFIGURATION = '''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {title = "str", state = "enum:open,done", body = "str"}
[stores.notes]
kind = "folder"
path = "notes"
[stores.notes.issue]
form = "markdown"
[stores.table]
kind = "file"
path = "issues.jsonl"
type = "issue"
'''
NOTE = '---\ntitle: A bug\nstate: open\n---\nIt fails.\n'


def replace(path, text):
    """Write a file that somebody may be reading: they never see a half."""
    new = path.with_name(f'{path.name}.new')
    new.write_text(text)
    new.replace(path)


class InFolder:
    """A mixin for tests."""

    def setUp(self):
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.table = self.folder / 'issues.jsonl'
        (self.folder / 'sync.toml').write_text(CONFIGURATION)
        (self.folder / 'notes').mkdir()
        self.table.write_text('')
        self.note = self.folder / 'notes' / 'bug.md'
        self.note.write_text(NOTE)
