"""Links in pages: relative ones, and the tables of contents."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

#: Folders aren't in the site.
FOLDERS = 'https://github.com/zc/generationalset/tree/HEAD/'


class RelativeLinks(SphinxTransform):
    """Lets a link to a page or a file of the checkout lead to it in the site.

    Sphinx complains of a page or a file that isn't there.
    """

    default_priority = 800  # when indirect links are resolved

    def apply(self, **_: Any) -> None:
        for link in list(self.document.findall(nodes.reference)):
            address = urlsplit(link.get('refuri', ''))
            if address.path and not address.scheme:
                self._lead(link, unquote(address.path))

    def _lead(self, link: nodes.reference, path: str) -> None:
        name, file = self.env.relfn2path(path)
        page = self.env.path2doc(file)
        if Path(file).is_dir():
            link['refuri'] = FOLDERS + name
        elif page in self.env.found_docs:
            link.replace_self(addnodes.pending_xref(
                '', *link.children, refdomain='std', reftype='doc',
                reftarget=f'/{page}', refexplicit=True))
        else:
            link.replace_self(addnodes.download_reference(
                '', *link.children, reftarget=path))


class Contents(SphinxTransform):
    """Removes tables of contents, which the site has beside each page."""

    default_priority = 800  # when they are made

    def apply(self, **_: Any) -> None:
        for topic in list(self.document.findall(nodes.topic)):
            if 'contents' in topic['classes']:
                topic.parent.remove(topic)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(RelativeLinks)
    app.add_transform(Contents)
    return {'parallel_read_safe': True}
