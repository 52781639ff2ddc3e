"""Tables that follow a source, for each kind of database."""

import unittest

from zc.generationalset.tests.contract.databases import (
    PostgreSQLBase,
    SQLiteBase,
)
from zc.generationalset.tests.contract.replicas import ReplicaContract


class SQLiteReplicaTests(ReplicaContract, SQLiteBase, unittest.TestCase):
    pass


class PostgreSQLReplicaTests(ReplicaContract, PostgreSQLBase):
    pass
