"""The items of the hub: their states, and where to find them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from BTrees.Length import Length
from BTrees.LLBTree import LLTreeSet
from BTrees.LOBTree import LOBTree
from BTrees.OOBTree import OOBTree

from zc.generationalset import GSet, wire
from zc.generationalset.documents import Document
from zc.generationalset.merging import canonical
from zc.generationalset.sync.hub import BATCH, Session, portioned
from zc.generationalset.sync.state import Record, State, state_of
from zc.generationalset.sync.type import Type, folded


class Items:
    """The items of one type.

    They are found by key, by their ids in stores, and by their natural keys.
    ``todo`` has the keys of items that stores are still to be told of.
    """

    def __init__(self, session: Session, type: Type) -> None:
        self.type = type
        self._session = session
        tree, name = session.tree, type.name
        documents = tree['sets']['items']
        if documents.get(name) is None:
            documents.add(GSet(name, parent=documents))
            tree['states'][name] = LOBTree()
            tree['names'][name] = OOBTree()
            tree['todo'][name] = LLTreeSet()
        self._documents = documents[name]
        self._states = tree['states'][name]
        self._names = tree['names'][name]
        self.todo = tree['todo'][name]
        #: The B-trees of ids of each store, and how many they have.
        self._by_store: dict[str, tuple[Any, Any]] = {}

    def new_key(self) -> int:
        """Return a key that no item has had."""
        counter = self._session.tree['next']
        key: int = counter['key']
        counter['key'] = key + 1
        self._session.changed = True
        return key

    def all_keys(self) -> Iterator[int]:
        return portioned(self._states)

    def load(self, key: int) -> State:
        """Return the state of an item that is there."""
        state = self.get(key)
        if state is None:
            raise KeyError(key)
        return state

    def get(self, key: int) -> State | None:
        record = self._states.get(key)
        if record is None:
            return None
        document = self._documents.get(key)
        return state_of(
            key, record, document and document.json, self._token)

    def save(self, state: State) -> None:
        """Store the state of an item; forget it if all stores have removed
        it."""
        old, text = state.stored
        record = state.record()
        new = None if state.is_gone else Document(state.key, state.agreed)
        state.stored = record, new and new.json
        self._index_ids(state, old)
        if state.is_gone and not state.links:
            if old is not None:
                del self._states[state.key]
                self._session.changed = True
        elif old != record:
            self._states[state.key] = record
            self._session.changed = True
        if text != (new and new.json):
            self._index_name(state, text)
            self._publish(state.key, text, new)

    def _index_ids(self, state: State, old: Record | None) -> None:
        before = {store: link[0]
                  for store, link in (old[1] if old else {}).items()}
        after = {store: link.id for store, link in state.links.items()}
        for store, id in before.items():
            if after.get(store) != id \
                    and self.key_of_id(store, id) == state.key:
                ids, count = self._ids(store)
                del ids[canonical(id)]
                count.change(-1)
        for store, link in state.links.items():
            ids, count = self._ids(store)
            text, new = canonical(link.id), (state.key, link.token)
            found = ids.get(text)
            if found != new:
                ids[text] = new
                count.change(int(found is None))
                self._session.changed = True

    def _index_name(self, state: State, text: bytes | None) -> None:
        old = None if text is None else folded(
            self.type.key_of(wire.decode_trusted(text)))
        new = None if state.is_gone else folded(
            self.type.key_of(state.agreed))
        if old == new:
            return
        if old is not None:
            left = [key for key in self._names[old] if key != state.key]
            if left:
                self._names[old] = tuple(left)
            else:
                del self._names[old]
        if new is not None:
            self._names[new] = (*self._names.get(new, ()), state.key)

    def _publish(
            self, key: int, old: bytes | None, new: Document | None) -> None:
        if new is None:
            del self._documents[key]
        elif old is None:
            self._documents.add(new)
        else:
            self._documents.changed(new)
        self._session.changed = True

    def remember(self, key: int, is_waiting: bool) -> None:
        """Note whether stores are still to be told of an item."""
        if is_waiting != (key in self.todo):
            if is_waiting:
                self.todo.add(key)
            else:
                self.todo.remove(key)
            self._session.changed = True

    def remember_all(self) -> None:
        """Note that a store is to be told of all items."""
        for number, key in enumerate(self.all_keys(), 1):
            self.remember(key, True)
            if number % BATCH == 0:
                self._session.commit()

    # By ids of stores

    def _ids(self, store: str) -> tuple[Any, Any]:
        found = self._by_store.get(store)
        if found is None:
            place, tree = (store, self.type.name), self._session.tree
            if place not in tree['ids']:
                tree['ids'][place] = OOBTree()
                tree['counts'][place] = Length()
            found = tree['ids'][place], tree['counts'][place]
            self._by_store[store] = found
        return found

    def key_of_id(self, store: str, id: Any) -> int | None:
        """Return the key of a store's item, None if it isn't linked."""
        found = self.linked(store, id)
        return None if found is None else found[0]

    def knows(self, store: str, text: str) -> bool:
        """Tell whether a store's item is linked, by its id as a canonical
        text."""
        ids, _ = self._ids(store)
        return text in ids

    def linked(self, store: str, id: Any) -> tuple[int, str | None] | None:
        """Return the key and the last token of a store's item, None if it
        isn't linked."""
        ids, _ = self._ids(store)
        found: tuple[int, str | None] | None = ids.get(canonical(id))
        return found

    def _token(self, store: str, id: Any) -> str | None:
        found = self.linked(store, id)
        return None if found is None else found[1]

    def keys(self, store: str) -> Iterator[int]:
        """Yield the keys of items that are linked in a store."""
        ids, _ = self._ids(store)
        for text in portioned(ids):
            yield ids[text][0]

    def count(self, store: str) -> int:
        """Return how many items are linked in a store, in O(1)."""
        _, count = self._ids(store)
        return int(count())

    def digest(self, store: str, key: int) -> bytes:
        """Return the digest of what a store had last."""
        digest: bytes = self._states[key][1][store][1]
        return digest

    def shadow(self, store: str, key: int) -> dict[str, Any]:
        """Return the fields that a store had when they were agreed."""
        shadow = self._states[key][1][store][2]
        if shadow is None:
            shadow = self._states[key][0] or self._documents[key].json
        fields: dict[str, Any] = wire.decode_trusted(shadow)
        return fields

    def note_token(self, store: str, id: Any, token: str | None) -> None:
        """Note the token of an item that has changed in nothing else."""
        ids, _ = self._ids(store)
        key, old = ids[canonical(id)]
        if token != old:
            ids[canonical(id)] = key, token
            self._session.changed = True

    def id_in(self, store: str, key: int) -> Any:
        """Return the id of an item in a store; None if it isn't there."""
        links = self._states.get(key, (None, {}))[1]
        return links[store][0] if store in links else None

    def forget(self, store: str) -> None:
        """Forget all links of a store, which isn't the same any more."""
        for number, key in enumerate(self.all_keys(), 1):
            state = self.get(key)
            if state is not None and store in state.links:
                del state.links[store]
                self.save(state)
                self.remember(key, True)
            if number % BATCH == 0:
                self._session.commit()

    # By natural keys

    def named(self, name: str) -> tuple[int, ...]:
        """Return the keys of items whose natural key is similar."""
        found: tuple[int, ...] = self._names.get(folded(name), ())
        return found
