"""The picture of the package's rooms is drawn from its imports."""

import runpy
import unittest

from zc.generationalset.tests.support.places import CHECKOUT

SCRIPT = CHECKOUT / 'docs' / 'layers.py'


@unittest.skipUnless(SCRIPT.exists(), 'installed packages come without docs')
class LayersPictureTests(unittest.TestCase):

    def test_the_picture_is_what_the_script_draws(self):
        draw = runpy.run_path(str(SCRIPT))['draw']
        self.assertEqual(
            (SCRIPT.parent / 'layers.svg').read_text(), draw(),
            'run: python docs/layers.py')
