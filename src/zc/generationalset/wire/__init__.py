"""Answers, values and ids as JSON, as docs/protocol.txt describes them.

``zc.generationalset.answers`` says what an answer is in Python.  This package
knows nothing of databases and networks.
"""

from zc.generationalset.extras import need

need('wire')

from zc.generationalset.wire.decoding import decode
from zc.generationalset.wire.encoding import (
    SUBSETS,
    UNREADABLE,
    NestingError,
    Unreadable,
    encode,
    encode_chunks,
    encode_entry,
)
from zc.generationalset.wire.forms import encode_value, normal, plain
from zc.generationalset.wire.ids import (
    decode_id,
    decode_parts,
    decode_path,
    encode_id,
    encode_ids,
    encode_parts,
    encode_path,
    id_from_plain,
    path_segment,
)
from zc.generationalset.wire.jsontext import Limits, Reader, WireError, parse
from zc.generationalset.wire.patches import patched
from zc.generationalset.wire.positions import decode_position
from zc.generationalset.wire.values import (
    Extended,
    decode_trusted,
    decode_value,
    value_from_plain,
)

__all__ = [
    'SUBSETS',
    'UNREADABLE',
    'Extended',
    'Limits',
    'NestingError',
    'Reader',
    'Unreadable',
    'WireError',
    'decode',
    'decode_id',
    'decode_parts',
    'decode_path',
    'decode_position',
    'decode_trusted',
    'decode_value',
    'encode',
    'encode_chunks',
    'encode_entry',
    'encode_id',
    'encode_ids',
    'encode_parts',
    'encode_path',
    'encode_value',
    'id_from_plain',
    'normal',
    'parse',
    'patched',
    'path_segment',
    'plain',
    'value_from_plain',
]
