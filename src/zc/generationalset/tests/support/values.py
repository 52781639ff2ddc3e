"""Values, and what must be refused."""


#: They would not survive in a header, an event or a log.
BAD_EPOCHS = '', 'a b', 'a\nb', 'e\n', 'gr\xf6\xdf', '\u65e5', 'a"b', 'e' * 201
#: Numbers that differ by it have the same hash.
MODULUS = 2 ** 61 - 1


def integers(count):
    return [{'$int': str(number * MODULUS)}
            for number in range(1, count + 1)]
