"""The places of files that tests read."""

from pathlib import Path

import zc.generationalset

#: The package; it may be installed elsewhere, with links to the tests.
PACKAGE = Path(zc.generationalset.__file__).parent
TESTS = Path(__file__).resolve().parents[1]
CHECKOUT = TESTS.parents[3]

DATA = TESTS / 'data'
JAVA = TESTS / 'java'
JAVASCRIPT = TESTS / 'javascript'
VECTORS = TESTS / 'vectors'
STATIC = PACKAGE / 'static'
EXAMPLES = CHECKOUT / 'examples'
