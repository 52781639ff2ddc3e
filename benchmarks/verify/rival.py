"""Prints what ``own`` prints, of reladiff.

    python -m benchmarks.verify.rival URL URL
"""

import sys
import time

from psycopg2.extensions import parse_dsn
from reladiff import connect_to_table, diff_tables

#: Those of benchmarks.lib.shop, whose driver isn't in this environment.
COLUMNS = 'number', 'customer', 'total', 'note'

tables = [connect_to_table({'driver': 'postgresql', **parse_dsn(url)},
                           'orders', 'id', thread_count=2)
          for url in sys.argv[1:]]
start = time.perf_counter()
with diff_tables(*tables, extra_columns=COLUMNS) as diff:
    keys = {row[0] for _, row in diff}
print(len(keys), time.perf_counter() - start)
