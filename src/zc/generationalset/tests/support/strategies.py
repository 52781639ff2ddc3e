"""Values, ids and updates for Hypothesis, and a comparison of values."""

import datetime
import uuid

from hypothesis import strategies as st

from zc.generationalset.answers import EPOCH, SubsetUpdates

SAFE = 2 ** 53 - 1

text = st.text(st.characters(exclude_categories=['Cs']), max_size=8)
integers = st.integers() | st.sampled_from(
    [SAFE, SAFE + 1, -SAFE, -SAFE - 1, 2 ** 63, 2 ** 64, 10 ** 4300 - 1])
decimals = st.decimals(allow_nan=False, allow_infinity=False)
zones = st.none() | st.builds(
    datetime.timezone, st.timedeltas(
        datetime.timedelta(hours=-23), datetime.timedelta(hours=23)).map(
            lambda delta: datetime.timedelta(
                minutes=delta // datetime.timedelta(minutes=1))))
datetimes = st.datetimes(
    datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30),
    timezones=zones)

scalars = st.one_of(
    st.none(), st.booleans(), integers, st.floats(), text,
    st.binary(max_size=8), decimals, datetimes, st.dates(), st.times(),
    st.timedeltas(), st.uuids())
hashable = st.recursive(
    scalars, lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner, max_size=3)), max_leaves=5)
names = text | st.sampled_from(['$int', '$object', '$', 'id', 'adds'])
values = st.recursive(
    hashable, lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(names, inner, max_size=4),
        st.dictionaries(hashable, inner, max_size=3)), max_leaves=12)

ids = st.recursive(
    st.one_of(
        text, st.sampled_from(['', '.', '..', '~', '~1', 'a/b', '%2F']),
        st.booleans(), integers,
        st.floats(allow_nan=False, allow_infinity=False),
        st.decimals(-1000, 1000), st.binary(max_size=8), datetimes,
        st.dates(), st.uuids()),
    lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)


def members(items):
    """Return removals and adds, or contents, with subsets of subsets."""
    def extend(inner):
        return st.lists(
            st.tuples(ids, items) | st.builds(
                lambda key, members: SubsetUpdates(id=key, **members),
                ids, inner), max_size=4)

    def level(inner):
        entries = extend(inner)
        return st.one_of(
            st.builds(lambda contents: {'contents': contents}, entries),
            st.builds(_changes, st.lists(ids, max_size=3), entries))

    return st.recursive(st.just({}), level, max_leaves=4)


def _changes(removals, adds):
    return {name: value for name, value in
            [('removals', removals), ('adds', adds)] if value}


epochs = st.from_regex(EPOCH, fullmatch=True)


@st.composite
def updates(draw, items=values):
    """Return an answer."""
    since = draw(st.integers(0, SAFE))
    result = {'epoch': draw(st.none() | epochs), 'since': since,
              'generation': draw(st.integers(max(since, 1), SAFE))}
    result.update(draw(members(items)))
    if 'contents' in result and draw(st.booleans()):
        result['reset'] = draw(text)
        result['generation'] = draw(st.integers(1, SAFE))
        if draw(st.booleans()):
            result['since_epoch'] = draw(st.none() | text)
    return result


def described(value):
    """Return a value together with the types of its parts, for comparison.

    The results are equal if values are the same in all respects: NaN equals
    NaN, but 0.0, -0.0 and 0 differ, and so do 1 and True.  A set counts as a
    frozenset.
    """
    kind = type(value)
    if isinstance(value, dict):
        return (kind, [(described(key), described(member))
                       for key, member in value.items()])
    if kind in (list, tuple):
        return kind, [described(element) for element in value]
    if kind in (set, frozenset):
        return set, sorted(map(repr, map(described, value)))
    if isinstance(value, (datetime.datetime, datetime.time)):
        return kind, value.isoformat()  # equal times may differ in offset
    if isinstance(value, (uuid.UUID, datetime.date)):
        return kind, str(value)
    return kind, repr(value)
