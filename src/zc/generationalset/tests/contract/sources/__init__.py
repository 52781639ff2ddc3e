"""The contract of sources: what a server needs of every source.

A test of a source mixes ``SourceContract`` into a ``unittest.TestCase``; one
of a copy, to which nobody can write, ``CopyContract``.
"""

from zc.generationalset.tests.contract.sources.reading import Reading
from zc.generationalset.tests.contract.sources.writing import Copied, Writing


class SourceContract(Reading, Writing):
    pass


class CopyContract(Reading, Copied):
    pass
