"""Pages have no errors of markup, and their links lead somewhere."""

import io
import re
import unittest
from urllib.parse import urlsplit

from docutils.core import publish_doctree
from docutils.nodes import reference

from zc.generationalset.tests.support.places import PAGES


class PageTests(unittest.TestCase):

    def test_restructuredtext(self):
        pages = [page for page in PAGES if page.suffix != '.md']
        self.assertGreater(len(pages), 12)
        for page in pages:
            complaints = io.StringIO()
            tree = publish_doctree(
                page.read_text('utf-8'), str(page),
                settings_overrides={'warning_stream': complaints})
            with self.subTest(page=page.name):
                self.assertEqual(complaints.getvalue(), '')
                self.check_links(page, [
                    link['refuri'] for link in tree.findall(reference)
                    if 'refuri' in link])

    def test_markdown(self):
        pages = [page for page in PAGES if page.suffix == '.md']
        self.assertGreater(len(pages), 1)
        for page in pages:
            with self.subTest(page=page.name):
                self.check_links(page, re.findall(
                    r'\]\(([^)]*)\)', page.read_text('utf-8')))

    def check_links(self, page, links):
        """Look whether relative links lead to files and folders."""
        for link in map(urlsplit, links):
            if link.path and not link.scheme:
                place = page.parent / link.path
                self.assertTrue(place.exists(), link.path)
