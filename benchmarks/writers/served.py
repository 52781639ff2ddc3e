"""Serves a set, with or without transactions that writes share.

    python -m benchmarks.writers.served together|alone DATA.fs PORT
"""

import sys

from benchmarks.lib import served

from zc.generationalset.server import writes


def main():
    how = sys.argv.pop(1)
    if how == 'alone':
        writes.LARGE = 0
    served.main()


if __name__ == '__main__':
    main()
