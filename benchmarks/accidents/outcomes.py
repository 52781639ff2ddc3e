"""What a program has made of a case."""

from typing import NamedTuple

RIGHT, PARTLY, WRONG, NOT = 'right', 'partly', 'wrong', '-'


class Outcome(NamedTuple):
    """``mark`` is one of the above; ``did`` says what was seen."""

    mark: str
    did: str


def judged(is_safe, is_whole, *did):
    """Return an outcome.

    is_safe
        Whether nothing is lost, overwritten, or there twice, without a word.
    is_whole
        Whether all else is as it should be.
    """
    mark = WRONG if not is_safe else RIGHT if is_whole else PARTLY
    return Outcome(mark, '; '.join(filter(None, did)))


#: What programs ask for when they end.
ASKS = {'--resync': 'asks for --resync',
        'prior lock file': 'asks for its lock to be removed',
        'too many deletes': 'tells of too many deletions'}


def ended(result):
    """Say how a process has ended."""
    asks = [text for word, text in ASKS.items() if word in result['output']]
    return ' and '.join([f'exit code {result["code"]}', *asks])
