"""The programs on pages for frameworks compile, and import what is there.

The tests that run them need the frameworks, so they run with ``--all``.
"""

import ast
import importlib
import unittest

from zc.generationalset.tests.support.guides import Guide

PAGES = ('django.txt', 'fastapi.txt', 'flask.txt', 'permissions.txt',
         'pyramid-users.txt')


class GuideTests(unittest.TestCase):

    def test_programs(self):
        modules = set()
        for page in PAGES:
            for name, text in Guide(page).programs():
                with self.subTest(page=page, name=name):
                    modules |= self.imported(ast.parse(text))
        self.assertEqual(modules, {
            'zc.generationalset', 'zc.generationalset.documents',
            'zc.generationalset.server', 'zc.generationalset.sql'})

    def imported(self, tree):
        """Import what a program does of this package; return its modules."""
        found = [node for node in ast.walk(tree)
                 if isinstance(node, ast.ImportFrom)
                 and node.module.startswith('zc.')]
        for node in found:
            for alias in node.names:
                getattr(importlib.import_module(node.module), alias.name)
        return {node.module for node in found}
