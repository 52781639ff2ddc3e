"""Prints how many rows differ, and how long it took to find them.

    python -m benchmarks.verify.own URL URL
"""

import sys
import time
from contextlib import closing

from zc.generationalset.sql import Verification, open_database

with closing(open_database(sys.argv[1])) as here, \
        closing(open_database(sys.argv[2])) as there:
    start = time.perf_counter()
    with Verification(here, there, ['orders']) as verification:
        count = sum(1 for _ in verification.differences())
    print(count, time.perf_counter() - start)
