"""Cases with folders that a program keeps equal, with a file for each item."""

import signal
import subprocess
import time

from benchmarks.accidents.outcomes import ended, judged

#: Seconds for which another run may wait for one that is paused.
PATIENCE = 60
#: Seconds for which a run is paused, longer than our lease.
PAUSE = 61
NFC, NFD = 'caf\xe9', 'cafe\u0301'


def filled(program, directory, count, names=('one', 'two')):
    """Return a program whose folders have so many items."""
    made = program(directory, names)
    add(made, range(count))
    made.run()
    made.count = count
    if len(made.texts(names[-1])) != count:
        raise RuntimeError(f'{program.name} copies nothing')
    return made


def add(made, numbers):
    for number in numbers:
        made.write('one', number)


def has(made, name, number, text):
    """Tell whether the file of an item is there, and has a text."""
    path = made.path(name, number)
    return path.exists() and text in path.read_text()


def goes_on(made):
    """Tell whether a change still arrives."""
    made.write('one', 1, state='later')
    result = made.run()
    arrives = has(made, 'two', 1, 'later')
    return arrives, 'then it goes on' if arrives else \
        f'then nothing arrives: {ended(result)}'


def lost(program, directory, count):
    """Case 1."""
    made = filled(program, directory, count)
    for number in range(1, count):
        made.path('one', number).unlink()
    made.write('one', 0, state='done')
    result = made.run()
    gone = count - len(made.texts('two'))
    arrives = has(made, 'two', 0, 'done')
    return judged(
        not gone, arrives and result['code'],
        f'{gone:,} of {count:,} deleted', 'the other change '
        + ('arrives' if arrives else "doesn't arrive"), ended(result))


def replaced(program, directory, count):
    """Case 2."""
    made = filled(program, directory, count)
    one, away = directory / 'one', directory / 'away'
    one.rename(away)
    one.mkdir()
    result = made.run()
    gone = count - len(made.texts('two'))
    if gone:
        return judged(False, False, f'{gone:,} of {count:,} deleted',
                      ended(result))
    one.rename(directory / 'empty')
    away.rename(one)
    is_going_on, then = goes_on(made)
    return judged(True, result['code'] and is_going_on, 'nothing deleted',
                  ended(result), then)


def killed(program, directory, count):
    """Case 5, without replies: killed when some files are there."""
    made = filled(program, directory, count)
    add(made, range(count, 2 * count))
    process = interrupted(made, signal.SIGKILL)
    process.wait()
    copied = len(made.texts('two')) - count
    result = made.run()
    return judged(
        *whole(made, 2 * count),
        f'killed when {copied} of {count} files were there', ended(result),
        f'then {len(made.texts("two")) - count} of {count}')


def interrupted(made, how):
    """Start a run, and send it a signal when a new file is in folder two."""
    def files():
        return set((made.directory / 'two').glob('[!.]*'))

    before = files()
    process = made.start()
    while process.poll() is None and files() == before:
        time.sleep(0.001)
    process.send_signal(how)
    if process.returncode is not None:
        raise RuntimeError(f'{made.name} has ended too soon')
    return process


def whole(made, count):
    """Tell whether no item is there twice, and whether all are there."""
    found = [len(made.texts(name)) for name in ('one', 'two')]
    return max(found) <= count, min(found) == count


def edited(program, directory, count):
    """Case 6."""
    made = filled(program, directory, count)
    made.write('one', 7, owner='ann')
    made.write('two', 7, state='done')
    result = made.run()
    texts = [made.texts(name) for name in ('one', 'two')]
    kept = ['ann' in ''.join(texts[0] + texts[1]),
            'done' in ''.join(texts[0] + texts[1])]
    merged = all(has(made, name, 7, 'ann') and has(made, name, 7, 'done')
                 for name in ('one', 'two'))
    did = ('both changes in both' if merged
           else 'one change is lost' if not all(kept)
           else 'two files in each' if len(texts[0]) > count
           else 'each has its own change')
    made.run()
    same, then = wrote_nothing(made)
    return judged(all(kept), merged and same, did, ended(result), then)


def wrote_nothing(made):
    """Tell whether nothing is written after the same change in both."""
    for name in 'one', 'two':
        made.write(name, 3, state='the same')
    before = states(made)
    made.run()
    number = len(set(before.items()) ^ set(states(made).items()))
    return not number, 'of the same change, ' + (
        'nothing is written' if not number else 'copies are made')


def states(made):
    return {path: path.stat().st_mtime_ns for name in ('one', 'two')
            for path in (made.directory / name).glob('[!.]*')}


def deleted(program, directory, count):
    """Case 7."""
    made = filled(program, directory, count)
    made.path('one', 7).unlink()
    made.write('two', 7, state='done')
    name = made.path('two', 7).stem
    result = made.run()
    found = sum('done' in ''.join(made.texts(each))
                for each in ('one', 'two'))
    told = result['code'] != 0 or name in result['output'] \
        or 'Issue 7' in result['output']
    did = ['the change is lost', 'the change stays in B alone',
           'it survives in both'][found]
    return judged(found, found == 2 and told, did, ended(result),
                  'reported' if told else 'not reported',
                  deletions_win(made) if found else '')


def deletions_win(made):
    """Say what becomes of the next item if deletions should win."""
    if not hasattr(made, 'let_deletions_win'):
        return 'has no option that lets deletions win'
    made.let_deletions_win()
    made.path('one', 8).unlink()
    made.write('two', 8, state='done')
    made.run()
    return 'if deletions should win, ' + (
        'it stays' if made.path('two', 8).exists() else 'it goes')


def failed(program, directory, count):
    """Case 9."""
    made = filled(program, directory, count, ('one', 'two', 'three'))
    made.write('one', 7, state='done')
    three, away = directory / 'three', directory / 'away'
    three.rename(away)
    first = made.run()
    arrives = has(made, 'two', 7, 'done')
    away.rename(three)
    second = made.run()
    kept = all(has(made, name, 7, 'done') for name in ('one', 'two')
               ) and len(made.texts('one')) == len(made.texts('two')) == count
    gets = has(made, 'three', 7, 'done')
    return judged(
        kept, arrives and gets, 'B ' + got(arrives), ended(first),
        'then C ' + got(gets), ended(second),
        '' if kept else 'A or B lose something')


def got(is_there):
    return 'gets the change' if is_there else "doesn't get the change"


def forgotten(program, directory, count):
    """Case 11."""
    made = filled(program, directory, count)
    made.forget()
    for number in range(3, 6):
        made.write('one', number, owner='ann')
        made.write('two', number, owner='bob')
    for name, form in (('one', NFC), ('two', NFD)):
        (directory / name / f'{form}{made.suffix}').write_text(made.text(
            form, {'title': form, 'state': '', 'owner': '', 'text': ''}))
    result = made.run()
    texts = [made.texts(name) for name in ('one', 'two')]
    left = sum('ann' in ''.join(texts[0]) and has(made, 'two', number, 'bob')
               for number in range(3, 6))
    more = sum(map(len, texts)) - 2 * (count + 1)
    return judged(
        left == 3 and not more, result['code'],
        f'{left} of 3 fields left to a person' if left else
        '3 fields of B overwritten',
        f'NFC and NFD: {more} files added' if more > 0 else
        f'{-more} files deleted' if more else 'NFC and NFD: nothing added',
        ended(result))


def paused(program, directory, count):
    """Case 12."""
    made = filled(program, directory, count)
    add(made, range(count, 2 * count))
    first = interrupted(made, signal.SIGSTOP)
    time.sleep(PAUSE)
    second = made.start()
    try:
        code = f'exit code {second.wait(PATIENCE)}'
    except subprocess.TimeoutExpired:
        code = 'waits'  # until the first one goes on
    first.send_signal(signal.SIGCONT)
    codes = [each.wait() for each in (first, second)]
    last = made.run()
    is_single, is_whole = whole(made, 2 * count)
    return judged(
        is_single or last['code'], is_single and is_whole,
        f'paused for {PAUSE} s, the other run: {code}',
        f'then the paused one: exit code {codes[0]}',
        f'then {len(made.texts("two")) - count} of {count} items, '
        f'{ended(last)}')


CASES = {1: lost, 2: replaced, 5: killed, 6: edited, 7: deleted, 9: failed,
         11: forgotten, 12: paused}
