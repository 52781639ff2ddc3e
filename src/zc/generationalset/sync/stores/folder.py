"""A folder with a file for each item."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from zc.generationalset.files import remove_file
from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Found,
    Listed,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import (
    Gone,
    Refused,
    Stale,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.scratch import Scratch
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.stores import files
from zc.generationalset.sync.stores.forms import (
    BytesForm,
    Form,
    JSONForm,
    MarkdownForm,
)
from zc.generationalset.sync.stores.toml import TOMLForm
from zc.generationalset.sync.type import Type

#: The file that tells whether a folder is still the same one.
MARKER = '.gset-store'
FORMS: Mapping[str, Callable[[Type], Form]] = {
    'markdown': MarkdownForm, 'json': JSONForm, 'toml': TOMLForm,
    'bytes': BytesForm}


def make(options: Options) -> FolderStore:
    """Return the store that a file of configuration describes."""
    path = options.folder / options.take('path', str)
    read_only = options.take('read_only', bool, False)
    types = {type: (table.choose('form', FORMS),
                    table.take('folder', str, '.'))
             for type, table in options.tables()}
    return FolderStore(options.name, path, types, read_only)


class FolderStore(Store):
    """Folders of files, one below another.

    When a hub sees the folder for the first time, it gets a marker file.  A
    folder without the marker, such as that of a disk that isn't mounted, is
    unavailable from then on.

    name
        The name of the store.
    path
        The folder.
    types
        For each type, the name of its form (``markdown``, ``json``, ``toml``
        or ``bytes``), and the name of its folder in this one.
    """

    def __init__(
            self, name: str, path: str | Path,
            types: Mapping[Type, tuple[str, str]], read_only: bool = False,
    ) -> None:
        self.path = Path(path)
        accessors = {
            type.name: FolderAccessor(
                type, self.path, _checked(folder), FORMS[form](type))
            for type, (form, folder) in types.items()}
        self._folders = [each.path for each in accessors.values()]
        super().__init__(name, accessors, read_only)

    def begin(self) -> None:
        if not self.path.is_dir():
            raise Unavailable(f'{self.path} is no folder')
        if self.read_only:
            return
        # Another runner may make the same at the same time.
        for folder in self._folders:
            if not os.path.lexists(folder):
                with contextlib.suppress(FileExistsError):
                    folder.mkdir()
        if not (self.path / MARKER).exists():
            with contextlib.suppress(FileExistsError):
                files.create(self.path / MARKER, f'{uuid4()}\n'.encode())

    def identity(self) -> str:
        if self.read_only:
            return str(self.path.resolve())
        try:
            return files.read(self.path / MARKER, 100).decode().strip()
        except (OSError, files.NotRead) as error:
            raise Unavailable(
                f'{self.path / MARKER} is missing, so this may be another '
                'folder; to begin with this one, make a file of this name '
                'with another text') from error

    def fingerprint(self) -> str:
        """Return a digest of what the folders say of their files."""
        return files.digest_of_all(
            _line(each.path, each.stat(follow_symlinks=False))
            for folder in self._folders for each in os.scandir(folder))


def _line(name: str, status: os.stat_result) -> bytes:
    return os.fsencode(name) + f' {files.stamp(status)}'.encode()


class _Changing(Exception):
    """A file was changed just now."""


def _checked(name: str) -> str:
    """Return a name that can't leave its folder.  Raises Refused."""
    if name == '.' or (
            re.fullmatch(r'[^/\\\0:]{1,255}', name) and name[0] != '.'):
        return name
    raise Refused(f'expected the name of a file, got {name!r:.100}')


class FolderAccessor(Accessor):
    """Files of one type in a folder; an id is the name of a file."""

    capabilities = Capabilities(conditional=True)

    def __init__(
            self, type: Type, root: Path, folder: str, form: Form) -> None:
        self.path = root / folder
        self._is_inside = folder != '.'
        self._type = type
        self._form = form
        #: The hashes of names, without case, for new ones; None if the folder
        #: wasn't listed for that.
        self._taken: Scratch[int] | None = None

    def _check_folder(self) -> None:
        """Raise Unavailable if there is no folder.

        The outer folder may be a link: a person has said where it is.
        """
        if not self.path.is_dir() or (
                self._is_inside and self.path.is_symlink()):
            raise Unavailable(f'{self.path} is no folder')

    def _names(self) -> Iterator[str]:
        self._check_folder()
        try:
            with os.scandir(self.path) as entries:
                for each in entries:
                    if self._is_ours(each):
                        yield each.name
        except OSError as error:
            raise Unavailable(str(error)) from error

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        """Tell whether something has the name of an item."""
        return entry.name.endswith(self._form.suffix) \
            and not entry.name.startswith('.') \
            and not entry.is_dir(follow_symlinks=False)

    def version(self, known: str | None) -> str | None:
        """Return a digest of names and stamps; None while files change."""
        self._check_folder()
        try:
            return files.digest_of_all(self._lines())
        except (_Changing, OSError):
            return None  # the listing tells why

    def _lines(self) -> Iterator[bytes]:
        """Yield what the version depends on.  Raises _Changing."""
        now = time.time_ns()
        yield type(self._form).__name__.encode()
        with os.scandir(self.path) as entries:
            for each in entries:
                if self._is_ours(each):
                    status = each.stat(follow_symlinks=False)
                    if not files.is_at_rest(status, now):
                        raise _Changing
                    yield _line(each.name, status)

    def find(self, cursor: str | None = None) -> Iterator[Found]:
        self._taken = None
        # The hub has them in this order, so it finds them faster.
        names: Scratch[bytes] = Scratch()
        for name in self._names():
            names.add(os.fsencode(name))
        for name in map(os.fsdecode, names):
            try:
                status = os.lstat(f'{self.path}/{name}')
                if stat.S_ISREG(status.st_mode):
                    yield Listed(name, files.stamp(status))
                else:
                    yield self.get(name)
            except (Gone, FileNotFoundError):
                pass  # since it was listed
            except Unreadable as error:
                yield error

    def count(self) -> int:
        return sum(1 for _ in self._names())

    def get(self, id: Any) -> Data:
        content, stamp = self._content(id)
        try:
            fields = self._form.read(content, id)
        except (ValueError, RecursionError) as error:
            raise Unreadable(id, f'{id}: {error}') from error
        return Data(self._type.name, id, fields,
                    stamp or files.digest(content))

    def _content(self, id: Any) -> tuple[bytes, str | None]:
        if not isinstance(id, str):
            raise Gone(id)
        self._check_folder()
        try:
            return files.read_stamped(self.path / _checked(id))
        except FileNotFoundError:
            raise Gone(id) from None
        except (Refused, files.NotRead) as error:
            raise Unreadable(id, str(error)) from error

    def add(self, data: Data, key: str) -> Data:
        self._check_folder()
        content = self._patched(b'', data.fields)
        if self._taken is None:
            self._taken = Scratch()
            for each in self._names():
                self._taken.add(hash(each.casefold()))
        for id in self._form.names(data.fields):
            # Names that differ in case would be one file elsewhere.
            number = hash(_checked(id).casefold())
            if number not in self._taken:
                self._taken.add(number)
                with contextlib.suppress(FileExistsError):
                    files.create(self.path / id, content)
                    return self.get(id)
        raise Refused(f'there is a file {id}')

    def _patched(self, content: bytes, patch: Mapping[str, Any]) -> bytes:
        """Return a new content.  Raises Refused if it couldn't be read."""
        try:
            new = self._form.patched(content, patch)
        except (ValueError, RecursionError) as error:
            raise Refused(str(error)) from error
        if len(new) > files.LONGEST:
            raise Refused(f'the file would have more than {files.LONGEST} '
                          'bytes')
        return new

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data:
        content = self._expected(id, token)
        for field in self._form.fixed & patch.keys():
            raise Refused(f'{field} can only be changed by a person')
        files.replace(self.path / id, self._patched(content, patch))
        return self.get(id)

    def remove(self, id: Any, token: str | None) -> None:
        self._expected(id, token)
        remove_file(self.path / id)
        if self._taken is not None:
            self._taken.discard(hash(id.casefold()))

    def _expected(self, id: Any, token: str | None) -> bytes:
        content, stamp = self._content(id)
        if token not in (None, stamp, files.digest(content)):
            raise Stale(f'{id} has changed')
        return content

    def normal(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._form.read(
                self._patched(b'', fields), next(self._form.names(fields)))
        except (ValueError, KeyError, Refused):
            return fields
