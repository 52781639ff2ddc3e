"""Sets of numbers that take little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

#: How many numbers share an integer, as its bits.
PAGE = 1024


class Numbers:
    """A set of numbers of items.

    The hub counts its items, so most numbers are there: a bit for each is
    enough.  A million of them take a quarter of a megabyte.

    numbers
        The first ones.
    """

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._pages: dict[int, int] = {}
        self.update(numbers)

    def add(self, number: int) -> None:
        page, bit = divmod(number, PAGE)
        self._pages[page] = self._pages.get(page, 0) | 1 << bit

    def update(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.add(number)

    def discard(self, number: int) -> None:
        page, bit = divmod(number, PAGE)
        self._pages[page] = self._pages.get(page, 0) & ~(1 << bit)

    def __contains__(self, number: int) -> bool:
        page, bit = divmod(number, PAGE)
        return bool(self._pages.get(page, 0) >> bit & 1)

    def __len__(self) -> int:
        return sum(bits.bit_count() for bits in self._pages.values())

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers in their order."""
        for page in sorted(self._pages):
            bits = self._pages[page]
            while bits:
                last = bits & -bits
                yield page * PAGE + last.bit_length() - 1
                bits ^= last
