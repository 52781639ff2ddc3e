"""Databases of which each user has a part: some rows, and some columns."""

from zc.generationalset.sql import View
from zc.generationalset.sql.peers.serving import Serving
from zc.generationalset.tests.support.peers import Peer

#: What the server has; the owner of a row sees it, but for its secret.
SCHEMA = '''
    PRAGMA journal_mode = WAL;
    CREATE TABLE things (
        id TEXT PRIMARY KEY, owner TEXT, a INT UNIQUE, secret TEXT)'''
#: What clients have.
PART = '''
    PRAGMA journal_mode = WAL;
    CREATE TABLE things (id TEXT PRIMARY KEY, owner TEXT, a INT)'''
COLUMNS = 'owner', 'a'
USERS = {'secret-of-ann': 'ann', 'secret-of-bob': 'bob'}


class PartServer(Peer):
    """One that lets users have the rows that they own."""

    table = 'things'
    where = 'owner = :user'

    def __init__(self, path, policy='server', schema=SCHEMA):
        super().__init__(path, policy, schema)

    def open(self):
        super().open()
        self.database.execute(self.database.plan_tracking(
            self.database.tables(), noted=['owner']))

    def views(self, user):
        return [View(self.table, COLUMNS, self.where, {'user': user})]

    def serving(self):
        return Serving(
            self.database, self.views, self.policy, USERS).steps()


class PartClient(Peer):
    """The database of a user."""

    def __init__(self, path, user, schema=PART):
        super().__init__(path, schema=schema)
        self.user = user

    def asking(self):
        return super().asking(token=f'secret-of-{self.user}')
