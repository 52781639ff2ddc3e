"""Whether two databases have the same rows, and which differ."""

from zc.generationalset.sql.verification.comparing import (
    Difference,
    Verification,
)
from zc.generationalset.sql.verification.digests import Digest, digest
from zc.generationalset.sql.verification.hashing import FormHasher
from zc.generationalset.sql.verification.schemas import Misfit, Pair, pairs

__all__ = ['Difference', 'Digest', 'FormHasher', 'Misfit', 'Pair',
           'Verification', 'digest', 'pairs']
