"""What programs make of what happens to folders."""

import tempfile
from pathlib import Path

COUNT = 100


def cases(program):
    """Return the outcome of each case, as a text."""
    return {case.__doc__: _outcome(program, case) for case in CASES}


def _outcome(program, case):
    with tempfile.TemporaryDirectory() as directory:
        made = program(Path(directory))
        for number in range(COUNT):
            made.write('one', number)
        made.run()
        if len(made.texts('two')) != COUNT:
            return 'not even copied'
        return case(made)


def _lost(program):
    """one folder loses all but one of its items"""
    for number in range(1, COUNT):
        program.path('one', number).unlink()
    program.run()
    left = len(program.texts('two'))
    return 'kept' if left == COUNT else f'{COUNT - left} of {COUNT} deleted'


def _different(program):
    """two people change different fields of an item"""
    program.write('one', 7, state='done')
    program.write('two', 7, owner='somebody')
    program.run()
    texts = [''.join(program.texts(name)) for name in
             ('one', 'two')]
    if all('done' in text and 'somebody' in text for text in texts):
        return 'merged' if len(program.texts('one')) == COUNT else 'two files'
    left = sum('done' in text or 'somebody' in text for text in texts)
    return 'left as it is' if left == 2 else 'one of them lost'


def _deleted(program):
    """one deletes an item, another one changes it"""
    program.path('one', 7).unlink()
    program.write('two', 7, state='done')
    program.run()
    texts = [''.join(program.texts(name)) for name in
             ('one', 'two')]
    found = sum('done' in text for text in texts)
    return ['the change is lost', 'left as it is', 'kept'][found]


def _interrupted(program):
    """a folder is empty: its disk is not mounted"""
    (program.directory / 'one').rename(program.directory / 'away')
    (program.directory / 'one').mkdir()
    program.run()
    left = len(program.texts('two'))
    return 'kept' if left == COUNT else f'{COUNT - left} of {COUNT} deleted'


CASES = _lost, _different, _deleted, _interrupted
