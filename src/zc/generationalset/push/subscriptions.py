"""Who wants to be told of a tree's changes, as objects of ZODB."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import persistent
from BTrees.Length import Length
from BTrees.OOBTree import OOBTree, OOTreeSet

from zc.generationalset.push.addresses import check_url
from zc.generationalset.push.keys import Keys
from zc.generationalset.push.signing import new_secret

#: The most subscriptions of all users, and of one.
MOST = 10_000
MOST_OF_USER = 20


class TooMany(ValueError):
    """There are as many subscriptions as are allowed."""


class Subscription(persistent.Persistent):
    """A user's wish that changes are posted to a URL.

    user
        Its name.
    url
        The URL, which was checked.
    keys
        Those of a browser, which were checked; None for a webhook.
    """

    __module__ = 'zc.generationalset.push'  # for pickles

    def __init__(self, user: str, url: str, keys: Keys | None) -> None:
        self.id = secrets.token_hex(8)
        self.user = user
        self.url = url
        self.keys = keys
        #: The key of the signatures, known to the subscriber alone.
        self.secret = new_secret()
        #: The position that was pushed last, or given up; None before that.
        self.position: tuple[str | None, int] | None = None
        #: How many pushes were given up since one succeeded.
        self.given_up = 0

    def __repr__(self) -> str:
        return f'<Subscription {self.id} of {self.user}>'


class Subscriptions(persistent.Persistent):
    """The subscriptions to one tree.

    Two transactions that add or remove subscriptions of different users
    conflict rarely; pushes conflict with none of them.

    most
        The most subscriptions of all users.
    most_of_user
        The most of one user.
    """

    __module__ = 'zc.generationalset.push'  # for pickles

    def __init__(
            self, most: int = MOST, most_of_user: int = MOST_OF_USER) -> None:
        self.most = most
        self.most_of_user = most_of_user
        self._by_id = OOBTree()
        self._of_users = OOBTree()
        self._length = Length()
        self._changes = Length()

    def __len__(self) -> int:
        length: int = self._length()
        return length

    @property
    def changes(self) -> int:
        """How many subscriptions were added and removed so far."""
        count: int = self._changes()
        return count

    def ids(self) -> Iterator[str]:
        """Iterate over the ids, without loading the subscriptions."""
        return iter(self._by_id.keys())

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._by_id.values())

    def __getitem__(self, id: str) -> Subscription:
        found: Subscription = self._by_id[id]
        return found

    def get(self, id: str) -> Subscription | None:
        """Return a subscription; None if it isn't there.  O(log n)."""
        found: Subscription | None = self._by_id.get(id)
        return found

    def of(self, user: str) -> list[Subscription]:
        """Return the subscriptions of a user.  O(log n) for each."""
        return [self._by_id[id] for id in self._of_users.get(user, ())]

    def add(
            self, user: str, url: str, private: bool = False,
            keys: Keys | None = None) -> Subscription:
        """Subscribe.  O(log n).

        .. code-block:: python

            subscription = subscriptions.add('ann', 'https://example.org/hook')
            tell(subscription.id, subscription.secret)

        If the user has subscribed with this URL and these keys, this returns
        the old subscription.

        user
            A name, as the application knows it.
        url
            Where to POST to.
        private
            Whether it may have a private address.
        keys
            For a browser; then the URL is its ``endpoint``.

        Raises Forbidden for a URL that may not be pushed to, BadKey, and
        TooMany.
        """
        check_url(url, private)
        keys = keys and keys.check()
        others = self.of(user)
        for other in others:
            if other.url == url:
                if other.keys == keys:
                    return other
                self.remove(other.id)  # its browser has made new keys
                others.remove(other)
                break
        if len(others) >= self.most_of_user or len(self) >= self.most:
            raise TooMany(f'expected at most {self.most_of_user} subscriptions'
                          f' of a user, and {self.most} of all users')
        subscription = Subscription(user, url, keys)
        self._by_id[subscription.id] = subscription
        self._of_users.setdefault(user, OOTreeSet()).add(subscription.id)
        self._length.change(1)
        self._changes.change(1)
        return subscription

    def remove(self, id: str) -> None:
        """End a subscription.  O(log n).  Raises KeyError."""
        subscription = self._by_id.pop(id)
        ids = self._of_users[subscription.user]
        ids.remove(id)
        if not ids:
            del self._of_users[subscription.user]
        self._length.change(-1)
        self._changes.change(1)
