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

#: What people read; all of it is in the site.  An installed package is too far
#: from the pages that it refers to.
PAGES = [
    *CHECKOUT.glob('*.rst'), CHECKOUT / 'CHANGES.txt',
    CHECKOUT / 'SECURITY.md', *CHECKOUT.glob('docs/*.txt'),
    TESTS.parent / 'README.txt', TESTS.parent / 'static' / 'README.md']
