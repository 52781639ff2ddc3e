"""An application for ASGI servers, as a user would write it."""

import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.server import application

db = ZODB.DB(DemoStorage())
with db.transaction() as connection:
    connection.root.things = GSet()
    connection.root.things.add(GSet('set'))
    connection.root.things['set'].add(Document('id', 'in the set'))
    connection.root.things.add(Document('id', 'at the top'))
app = application(db, lambda root: root['things'], write=True)
