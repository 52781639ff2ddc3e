"""Layers of zope.testrunner: different layers run at the same time.

``bin/test -u`` runs the tests in no layer: they start nothing, and are quick.
"""


class Servers:
    """Tests with servers in threads of their own."""


class Clients:
    """Tests of clients, with servers in threads of their own."""


class Commands:
    """Tests of ``gset serve`` and ``gset mirror``, in their own processes."""


class Processes:
    """Tests that start processes, or limit what this process may do."""


class Databases:
    """Tests with SQL databases in files."""


class Histories:
    """Tests that play many random histories, or long ones."""
