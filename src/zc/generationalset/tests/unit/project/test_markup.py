"""Pages are reStructuredText, without errors and warnings."""

import io
import unittest

from docutils.core import publish_doctree

from zc.generationalset.tests.support.places import CHECKOUT, PACKAGE

PAGES = [*CHECKOUT.glob('*.rst'), CHECKOUT / 'CHANGES.txt',
         *CHECKOUT.glob('docs/*.txt'), PACKAGE / 'README.txt']


class PageTests(unittest.TestCase):

    def test_pages(self):
        self.assertGreater(len(PAGES), 12)
        for page in PAGES:
            complaints = io.StringIO()
            publish_doctree(
                page.read_text('utf-8'), str(page),
                settings_overrides={'warning_stream': complaints})
            with self.subTest(page=page.name):
                self.assertEqual(complaints.getvalue(), '')
