"""Gzip of text in two parts; many texts share the second part."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

_HEADER = b'\x1f\x8b\x08\0\0\0\0\0\0\xff'
_RAW = -15  # without header and checksum
#: A block without content that ends at a byte, and the last one.
_EMPTY = b'\0\0\0\xff\xff'
_LAST = b'\3\0'
_POLYNOMIAL = 0xedb88320


class Deflated:
    """The second part, in chunks that are compressed as they are read.

    Compression is fast enough for a network, if not for a disk.
    """

    #: What may stand between two chunks, and has no content.
    nothing = _EMPTY

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._sum = 0
        self._size = 0

    def __iter__(self) -> Iterator[bytes]:
        compressor = zlib.compressobj(5, wbits=_RAW)
        for chunk in self._chunks:
            self._sum = zlib.crc32(chunk, self._sum)
            self._size += len(chunk)
            # The chunk is flushed, so that the first entries arrive before the
            # last are read.
            yield (compressor.compress(chunk)
                   + compressor.flush(zlib.Z_SYNC_FLUSH))

    def end(self, head: bytes) -> bytes:
        """Return the end of the gzip file, if the first part was ``head``."""
        both = _concatenated(zlib.crc32(head), self._sum, self._size)
        return _LAST + struct.pack(
            '<LL', both, (len(head) + self._size) % 2 ** 32)


def begin(head: bytes) -> bytes:
    """Return the beginning of the gzip file, with the first part."""
    compressor = zlib.compressobj(5, wbits=_RAW)
    return (_HEADER + compressor.compress(head)
            + compressor.flush(zlib.Z_SYNC_FLUSH))


def _concatenated(first: int, second: int, size: int) -> int:
    """Return the checksum of two texts; ``size`` is that of the second.

    This is zlib's crc32_combine, which Python doesn't have before 3.15.  The
    first checksum, as a polynomial, is multiplied by x to the power of the
    number of bits that follow.
    """
    factor, square = 1 << 31, 1 << 23  # 1, and x ** 8
    while size:
        if size & 1:
            factor = _product(square, factor)
        square = _product(square, square)
        size >>= 1
    return _product(factor, first) ^ second


def _product(a: int, b: int) -> int:
    """Multiply polynomials modulo the checksum's; bit 31 is the 1."""
    product = 0
    while a:
        if a & 1 << 31:
            product ^= b
        a = a << 1 & 0xffffffff
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product
