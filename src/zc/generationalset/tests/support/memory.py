"""A source of a hundred lines: trees in memory."""

import secrets
import threading
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from zc.generationalset.answers import Position, SubsetUpdates
from zc.generationalset.sources import (
    NoItem,
    NoTree,
    Outcome,
    StaleCursor,
    WrongKind,
)


class Member(NamedTuple):
    """An item, or a set, which has no text."""

    born: int
    generation: int
    json: bytes | None = None

    def __wire__(self):
        return self.json


class Tree(NamedTuple):
    epoch: str
    members: dict  # path -> Member; that of the tree itself is ()
    gone: dict  # path -> generation

    def get(self, path, is_set):
        member = self.members.get(path)
        if member is None or (member.json is None) != is_set:
            raise NoItem(f'there is no {"set" if is_set else "item"}, {path}')
        return member

    def length(self, path):
        self.get(path, True)
        return sum(each[:-1] == path and each != () for each in self.members)

    def updates(self, path, since):
        whole = since < self.members[path].born
        since = 0 if whole else since
        entries = [
            self.entry(each, since) for each, member in sorted(
                self.members.items(), key=lambda pair: pair[1].generation)
            if each[:-1] == path and each and member.generation > since]
        if whole:
            return {'contents': entries}
        return {'adds': entries, 'removals': [
            each[-1] for each, generation in self.gone.items()
            if each[:-1] == path and generation > since]}

    def part(self, path, since):
        newest = max(
            [member.born for each, member in self.members.items()
             if path[:len(each)] == each]
            + [generation for each, generation in self.gone.items()
               if path[:len(each)] == each])
        member = self.members.get(path)
        if member is None or member.json is not None:
            return {} if 0 < since >= newest else {'contents': []}
        if since < newest:
            return self.updates(path, 0)
        return {name: value for name, value in self.updates(
            path, since).items() if value}

    def entry(self, path, since):
        member = self.members[path]
        if member.json is None:
            return SubsetUpdates(id=path[-1], **self.updates(path, since))
        return path[-1], member


class Editor:

    def __init__(self, tree):
        self.root = tree
        self.epoch = tree.epoch
        self.before = tree.members[()].generation

    def unchanged(self, path, position):
        epoch, since = position
        members, gone = self.root.members, self.root.gone
        above = [path[:size] for size in range(1, len(path) + 1)]
        changed = max(
            0, members[path].generation if path in members else 0,
            *[gone.get(each, 0) for each in above],
            *[members[each].born for each in above if each in members])
        return (not since or epoch == self.root.epoch) and (
            changed <= since <= self.before)

    def item(self, path):
        return self.root.get(path, False)

    def length(self, path):
        return self.root.length(path)

    def document(self, path):
        return self.item(path).json

    def has(self, path, json):
        return self.document(path) == json

    def put(self, path, json):
        self.root.get(path[:-1], True)
        old = self.root.members.get(path)
        if old and (old.json is None) != (json is None):
            raise WrongKind(f'expected the same kind of member at {path}')
        if old is None or old.json != json:
            generation = self.touch(path)
            self.root.gone.pop(path, None)
            self.root.members[path] = Member(
                old.born if old else generation, generation, json)
        return old is None

    def add(self, path, json):
        id = secrets.token_urlsafe(9)
        self.put((*path, id), json)
        return id

    def make_set(self, path):
        return self.put(path, None)

    def remove(self, path, is_set=None):
        found = self.root.members.get(path)
        if found is None:
            raise NoItem(f'there is no {path}')
        if is_set not in (None, found.json is None):
            raise WrongKind(f'expected the other kind of member at {path}')
        self.root.gone[path] = self.touch(path)
        for each in list(self.root.members):
            if each[:len(path)] == path:
                del self.root.members[each]

    def touch(self, path):
        members = self.root.members
        generation = members[()].generation + 1
        for size in range(len(path)):
            members[path[:size]] = members[path[:size]]._replace(
                generation=generation)
        return generation


class Snapshot(AbstractContextManager):

    def __init__(self, count, trees):
        self.count = count
        self._trees = trees

    def __exit__(self, *error):
        pass

    def tree(self, name):
        if name not in self._trees:
            raise NoTree(f'there is no tree {name!r}')
        return self._trees[name]

    def position(self, name):
        tree = self.tree(name)
        return Position(tree.epoch, tree.members[()].generation)

    def updates(self, name, asked, parts=()):
        epoch, generation = self.position(name)
        answer = {'epoch': epoch, 'since': asked.generation,
                  'generation': generation}
        if asked.generation and asked.epoch != epoch:
            answer |= {'since_epoch': asked.epoch, 'reset': 'epoch'}
        elif asked.generation > generation:
            answer |= {'reset': 'ahead'}
        tree = self.tree(name)
        since = 0 if 'reset' in answer else asked.generation
        if parts:
            return answer | {'parts': [
                {'path': path, **tree.part(path, since)} for path in parts]}
        return answer | tree.updates((), since)

    def page(self, name, asked, cursor, limit):
        """Return the whole answer: this source has no pages."""
        if cursor:
            raise StaleCursor('this source has no cursors')
        return self.updates(name, asked)

    def item(self, name, path):
        return self.tree(name).get(path, False)

    def length(self, name, path):
        return self.tree(name).length(path)

    def check_writable(self, name):
        self.tree(name)

    def trim(self):
        pass


class MemorySource:
    """Trees of some names, in memory."""

    may_be_behind = False
    shares_transactions = True
    failures = ()

    def __init__(self, *names):
        self.count = 0
        self._trees = {
            name: Tree(secrets.token_urlsafe(9), {(): Member(1, 1)}, {})
            for name in names}
        self._lock = threading.Lock()
        self._listeners = set()

    def listen(self, told):
        self._listeners.add(told)
        return partial(self._listeners.discard, told)

    def look(self):
        self.count += 1
        for told in list(self._listeners):
            told()

    def catch_up(self):
        pass

    def snapshot(self):
        return Snapshot(self.count, self._trees)

    def write(self, name, change):
        with self._lock:
            # What a snapshot has is never changed.
            epoch, members, gone = self.snapshot().tree(name)
            tree = Tree(epoch, dict(members), dict(gone))
            result = change(Editor(tree))
            self._trees = {**self._trees, name: tree}
            self.look()
        return result

    def write_all(self, writes):
        return [Outcome.of(self.write, *write) for write in writes]

    def renew(self, name, seen):
        with self._lock:
            tree = self.snapshot().tree(name)
            if (tree.epoch != seen.epoch
                    or tree.members[()].generation >= seen.generation):
                return None
            tree = tree._replace(epoch=secrets.token_urlsafe(9))
            self._trees = {**self._trees, name: tree}
            self.look()
        return tree.epoch
