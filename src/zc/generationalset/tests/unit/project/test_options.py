"""Options that aren't there are refused, by Python and by mypy.

Mypy reads this module.  If it accepted a wrong option, it would complain that
``type: ignore`` isn't needed.
"""

import unittest
from typing import Any

from zc.generationalset import GSet, check
from zc.generationalset.client import AsyncClient, Client
from zc.generationalset.client.remote import Remote
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.push import Pusher
from zc.generationalset.replica import SQLiteReplica
from zc.generationalset.server import Limits, application
from zc.generationalset.sql import (
    SQLReplica,
    SQLSource,
    SyncClient,
    SyncServer,
    Verification,
)
from zc.generationalset.sync import Hub, Report, Synchronizer, Type

URL = 'http://localhost'
#: For what the call isn't about.
ANY: Any = None


class OptionsTests(unittest.TestCase):

    def test_wrong_names(self):
        # One call in a line, because of the comments.
        for call in [
                lambda: Client(URL, tokken='x'),  # type: ignore[call-arg]
                lambda: AsyncClient(URL, prox='x'),  # type: ignore[call-arg]
                lambda: Remote(URL, time_out=1),  # type: ignore[call-arg]
                lambda: Client.put(  # type: ignore[call-arg]
                    Client(URL), 'a', 1, since=None),
                lambda: application(ANY, token={}),  # type: ignore[call-arg]
                lambda: Limits(documents=1),  # type: ignore[call-arg]
                lambda: check(GSet(), encoded=1),  # type: ignore[call-arg]
                lambda: SQLiteReplica('x', to=1),  # type: ignore[call-arg]
                lambda: StoredMirror(ANY, 'x', url=1),  # type: ignore[call-arg]
                lambda: SQLSource(ANY, table=''),  # type: ignore[call-arg]
                lambda: SQLReplica(ANY, URL, tops=1),  # type: ignore[call-arg]
                lambda: SyncClient(ANY, [], tls=1),  # type: ignore[call-arg]
                lambda: SyncServer(ANY, [], tls=1),  # type: ignore[call-arg]
                lambda: Verification(ANY, ANY, table=''),  # type: ignore[call-arg]
                lambda: Hub(ANY, exclusive=True),  # type: ignore[call-arg]
                lambda: Synchronizer(ANY, [], type=[]),  # type: ignore[call-arg]
                lambda: Type('x', {}, [], policy={}),  # type: ignore[call-arg]
                lambda: Report(step=[]),  # type: ignore[call-arg]
                lambda: Pusher(ANY, ANY, URL, vapids=1),  # type: ignore[call-arg]
        ]:
            with self.assertRaisesRegex(
                    TypeError, 'unexpected keyword|expected an option such'):
                call()

    def test_right_names(self):
        for make in Client, Remote:
            make(URL, timeout=1.0, headers={'X-Y': 'z'}, verify=False).close()


def wrong_values():
    """Mypy reads this; nobody calls it."""
    Client(URL, timeout='soon')  # type: ignore[arg-type]
    AsyncClient(URL, token=7)  # type: ignore[arg-type]
    Remote(URL, verify=7)  # type: ignore[arg-type]
    Client(7)  # type: ignore[arg-type]
    Client(URL, headers=7)  # type: ignore[arg-type]
    application(ANY, tokens=['x'])  # type: ignore[arg-type]
    Pusher(ANY, ANY, URL, 7)  # type: ignore[arg-type]
