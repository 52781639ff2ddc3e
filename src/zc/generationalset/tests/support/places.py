"""Where the files are that tests read."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent
CHECKOUT = PACKAGE.parents[2]

DATA = TESTS / 'data'
JAVASCRIPT = TESTS / 'javascript'
VECTORS = TESTS / 'vectors'
STATIC = PACKAGE / 'static'
EXAMPLES = CHECKOUT / 'examples'
