"""Gzip of text that is made in two parts, of which many share the second."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

_HEADER = b'\x1f\x8b\x08\0\0\0\0\0\0\xff'
_RAW = -15  # no header, no checksum
_POLYNOMIAL = 0xedb88320


class Deflated:
    """Chunks of the second part, compressed as they are iterated over.

    At the speed of a network rather than a disk.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._sum = 0
        self._size = 0

    def __iter__(self) -> Iterator[bytes]:
        compressor = zlib.compressobj(5, wbits=_RAW)
        for chunk in self._chunks:
            self._sum = zlib.crc32(chunk, self._sum)
            self._size += len(chunk)
            # Flushed, so that the first entries arrive before the last are
            # read.
            yield (compressor.compress(chunk)
                   + compressor.flush(zlib.Z_SYNC_FLUSH))
        yield compressor.flush()

    def end(self, head: bytes) -> bytes:
        """Return what follows all of it, if the first part was this."""
        both = _concatenated(zlib.crc32(head), self._sum, self._size)
        return struct.pack('<LL', both, (len(head) + self._size) % 2 ** 32)


def begin(head: bytes) -> bytes:
    """Return the first part, compressed on its own, with what precedes it."""
    compressor = zlib.compressobj(5, wbits=_RAW)
    return (_HEADER + compressor.compress(head)
            + compressor.flush(zlib.Z_SYNC_FLUSH))


def _concatenated(first: int, second: int, size: int) -> int:
    """Return the checksum of two texts, of which the second has a size.

    As crc32_combine of zlib, which Python doesn't have before 3.15: the first
    checksum, as a polynomial, is multiplied by x to the power of the number of
    bits that follow.
    """
    factor, square = 1 << 31, 1 << 23  # 1, and x ** 8
    while size:
        if size & 1:
            factor = _product(square, factor)
        square = _product(square, square)
        size >>= 1
    return _product(factor, first) ^ second


def _product(a: int, b: int) -> int:
    """Multiply polynomials modulo that of the checksum; bit 31 is 1."""
    product = 0
    while a:
        if a & 1 << 31:
            product ^= b
        a = a << 1 & 0xffffffff
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product
