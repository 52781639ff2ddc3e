"""Layers of zope.testrunner: tests in them run beside each other.

``bin/test -u`` runs what is in no layer, since it starts nothing and ends
soon.
"""


class Servers:
    """Tests with servers in threads of their own."""


class Processes:
    """Tests that start processes, or limit what this one may do."""


class Databases:
    """Tests with databases of SQL in files."""


class Histories:
    """Tests that play many random histories, or long ones."""
