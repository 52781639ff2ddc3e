"""How many examples the tests of properties try.

Each run tries the same few.  With ``bin/test --all``, others are tried, and
many more; Hypothesis prints how to try one again that fails.
"""

import sys

from hypothesis import HealthCheck, settings

THOROUGH = '--all' in sys.argv
#: How many times as many examples a thorough run tries.
MORE = 20


def tries(examples):
    """Return settings of Hypothesis for so many examples in a short run."""
    return settings(
        max_examples=examples * MORE if THOROUGH else examples,
        derandomize=not THOROUGH,
        # A busy machine takes long, and that is no fault.
        deadline=None, suppress_health_check=[HealthCheck.too_slow])
