"""The contract of sources: what a server needs of every source.

A test of a source mixes ``SourceContract`` into a ``unittest.TestCase``; one
of a copy, to which nobody can write, ``CopyContract``; one of a source whose
clients can't make sets, ``ItemsContract``.
"""

from zc.generationalset.tests.contract.sources.reading import Reading
from zc.generationalset.tests.contract.sources.subsets import (
    ReadingSubsets,
    WritingSubsets,
)
from zc.generationalset.tests.contract.sources.together import Together
from zc.generationalset.tests.contract.sources.writing import Copied, Writing


class ItemsContract(Reading, Writing, Together):
    pass


class SourceContract(ItemsContract, ReadingSubsets, WritingSubsets):
    pass


class CopyContract(Reading, ReadingSubsets, Copied):
    pass
