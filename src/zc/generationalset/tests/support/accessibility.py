"""What keeps people from using a page, as axe finds it."""

import unittest
from importlib import resources, util


def violations(page):
    """Return the rules that a page breaks, each with its elements."""
    if util.find_spec('axe_playwright_python') is None:
        raise unittest.SkipTest(
            'NO AXE: pip install axe-playwright-python, to look for what '
            'keeps people from using the board')
    axe = (resources.files('axe_playwright_python')
           / 'axe.min.js').read_text(encoding='utf-8')
    page.evaluate(axe)
    found = page.evaluate('axe.run()')
    return [(each['id'], [node['html'] for node in each['nodes']])
            for each in found['violations']]
