"""Mirrors: copies, in a database, of sets that other servers serve.

A mirror is a client of its source, and can be served like a set, so trees of
mirrors fan out to any number of clients.  A mirror has the generations and the
epoch of its source, so clients may move between them freely.
"""

from zc.generationalset.extras import need

need('wire')

from zc.generationalset.mirror.following import Follower, StoredMirror
from zc.generationalset.mirror.mirror import Mirror
from zc.generationalset.mirror.mirrored import MirroredSet
from zc.generationalset.mirror.pages import Changes, Contents, Page
from zc.generationalset.mirror.points import Points

__all__ = ['Changes', 'Contents', 'Follower', 'Mirror', 'MirroredSet', 'Page',
           'Points', 'StoredMirror']
