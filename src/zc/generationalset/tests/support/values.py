"""Values that must be refused, and other constants."""


#: Epochs that would not survive in a header, an event or a log.
BAD_EPOCHS = '', 'a b', 'a\nb', 'e\n', 'gr\xf6\xdf', '\u65e5', 'a"b', 'e' * 201
#: Numbers that differ by this one have the same hash.
MODULUS = 2 ** 61 - 1


def integers(count):
    """Return integers of the same hash."""
    return [{'$int': str(number * MODULUS)}
            for number in range(1, count + 1)]


def other_integers(count):
    """Return integers of different hashes, which are as long."""
    return [{'$int': str(2 ** 70 + number)} for number in range(count)]
