"""Whether a server, whoever wrote it, keeps the protocol.

``python -m zc.generationalset.conformance URL`` tries it.
"""

from zc.generationalset.extras import need

need('client')
