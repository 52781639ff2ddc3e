"""The documentation as a site; CONTRIBUTING.rst says how to build it.

The pages are used where they are, from the root of the checkout.  So the site
has the folders of the checkout, and a relative link means the same in both.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for the extensions

project = 'zc.generationalset'
root_doc = 'docs/site/index'
include_patterns = [
    '*.rst', 'CHANGES.txt', 'SECURITY.md', 'docs/*.txt', 'docs/site/**.rst',
    'src/zc/generationalset/README.txt',
    'src/zc/generationalset/static/README.md']
source_suffix = {'.rst': 'restructuredtext', '.txt': 'restructuredtext',
                 '.md': 'markdown'}

extensions = ['sphinx.ext.autodoc', 'myst_parser', 'links', 'reference',
              'usage']
autodoc_default_options = {
    'members': True,
    'inherited-members': 'object, ABC, BaseException, Persistent, Protocol, '
                         'dict, int, str, tuple'}
autodoc_member_order = 'bysource'
autodoc_typehints_format = 'short'
maximum_signature_line_length = 72
os.environ['COLUMNS'] = '80'  # of the texts of ``gset --help``

html_theme = 'furo'
html_title = project
html_extra_path = ['index.html']
html_show_copyright = False
html_css_files = ['site.css']
html_static_path = ['site.css']
linkcheck_ignore = ['https?://(localhost|127|192|10|.*example)']
