"""This release, with a folder and services that do what real ones do."""

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, contextmanager

from benchmarks.accidents.folders import filled, paused
from benchmarks.accidents.outcomes import RIGHT, WRONG, ended, judged
from benchmarks.accidents.people import (
    CYCLE,
    SCHEMA,
    inconsistent,
    is_left,
    is_right,
)
from benchmarks.synchronizer.programs import This
from starlette.responses import JSONResponse

from zc.generationalset.tests.support.rest_server import PAGE, RestServer
from zc.generationalset.tests.support.serving import plain, running
from zc.generationalset.tests.support.storages import ZEOServer

#: Items of a service with five pages.
COUNT = 5 * PAGE
TRACKER = '''
[stores.tracker]
kind = "rest"
url = "{}/api"
[stores.tracker.issue]
path = "issues"
items = "data.issues"
paging = "page"
parameter = "page"
first = 1
total = "total"
'''


class Tracked(This):
    """A folder, and a service at ``url``."""

    def __init__(self, directory, url):
        self.url = url
        super().__init__(directory, ('one',))

    def configure(self, *arguments):
        super().configure(*arguments)
        with (self.directory / 'sync.toml').open('a') as file:
            file.write(TRACKER.format(self.url))

    def path(self, name, number):
        return self.directory / name / f'Issue-{number}{self.suffix}'


@contextmanager
def tracker(directory):
    """Yield a service, and the program that keeps it equal to a folder."""
    service = RestServer('page')
    with running(plain(service.app)) as url:
        yield service, Tracked(directory, url)


@contextmanager
def filled_tracker(directory):
    with tracker(directory) as (service, made):
        for number in range(1, COUNT + 1):
            service.put(title=f'Issue {number}', state='open', owner='',
                        text='')
        made.run()
        made.run()
        if len(made.texts('one')) != COUNT:
            raise RuntimeError('nothing was copied')
        yield service, made


def cut(directory):
    """Case 3."""
    answers = {
        'a page that fails': JSONResponse({'error': 'sorry'}, 500),
        'a page without its key': JSONResponse({'total': COUNT})}
    safe, whole, did = True, True, []
    with filled_tracker(directory) as (service, made):
        for number, (name, response) in enumerate(answers.items(), 1):
            state = f'state {number}'
            service.store(9, {**service.items[9], 'state': state})
            service.answer = lambda request, response=response: (
                response if request.query_params.get('page') == '3' else None)
            result = made.run()
            gone = COUNT - len(made.texts('one'))
            service.answer = lambda request: None
            made.run()
            arrives = state in made.path('one', 9).read_text()
            safe = safe and not gone
            whole = whole and arrives and bool(result['code'])
            did.append(
                f'{name}: {gone} of {COUNT} deleted, {ended(result)}, then '
                f'its changes {"arrive" if arrives else "are missed"}')
    return judged(safe, whole, *did)


def moved(directory):
    """Case 4."""
    with filled_tracker(directory) as (service, made):
        def answer(request):
            if request.query_params.get('page') == '2':
                service.items.pop(1, None)

        service.answer = answer
        result = made.run()
        here = made.path('one', PAGE + 1).exists()
        made.run()  # the first one has listed item 1 before it was removed
        gone = not made.path('one', 1).exists()
        return judged(
            here and PAGE + 1 in service.items, gone,
            'the item that moved is ' + ('kept' if here else 'deleted'),
            ended(result))


def unanswered(directory):
    """Case 5."""
    with tracker(directory) as (service, made):
        for number in range(10):
            made.write('one', number)
        process = made.start()

        def rewrite(document):
            if process.returncode is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            return document

        service.rewrite = rewrite
        process.wait()
        while not service.items:
            time.sleep(0.01)
        before = len(service.items)
        result = made.run()
        there = len(service.items)
        return judged(
            there <= 10, before and there == 10,
            f'killed before the reply to addition {before}', ended(result),
            f'then {there} of 10')


def lossy(directory):
    """Case 8."""
    with tracker(directory) as (service, made):
        service.rewrite = lambda document: {
            **document, 'owner': None, 'text': document['text'][:20]}
        for number in range(10):
            made.write('one', number)
        before = sorted(made.texts('one'))
        made.run()
        made.command = *made.command[:-1], 'plan', '--json'
        result = made.run()
        steps = json.loads(result['output'].splitlines()[-1])['count']
        kept = sorted(made.texts('one')) == before
        return judged(
            kept, not steps and len(service.items) == 10,
            f'the second run plans {steps} steps', 'the lost field '
            + ('survives' if kept else 'is lost everywhere'))


PEOPLE = '''\
hub = "hub/Hub.fs"
[types.person]
key = ["name"]
fields = {name = "str", boss = "ref:person"}
[types.issue]
key = ["title"]
fields = {title = "str", by = "ref:person"}
[stores.table]
kind = "sql"
url = "sqlite:///people.db"
[stores.table.person]
table = "person"
[stores.table.issue]
table = "issue"
[stores.one]
kind = "folder"
path = "one"
[stores.one.person]
form = "json"
folder = "person"
[stores.one.issue]
form = "json"
folder = "issue"
'''


def referring(directory):
    """Case 10."""
    made = This(directory, ('one',))
    (directory / 'sync.toml').write_text(PEOPLE)
    with closing(sqlite3.connect(directory / 'people.db')) as table:
        table.executescript(SCHEMA)
        files = {
            directory / 'one' / type / f'{id}.json': fields
            for type, items in CYCLE.items() for id, fields in items.items()}
        for path, fields in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({
                name: f'{value}.json' if name in ('boss', 'by') else value
                for name, value in fields.items()}))
        added = made.run()
        right = is_right(table)
        (directory / 'one' / 'issue' / 'x.json').unlink()
        (directory / 'one' / 'person' / 'bob.json').unlink()
        (directory / 'one' / 'person' / 'ann.json').write_text(
            json.dumps({'name': 'Ann'}))
        removed = made.run()
        left = is_left(table)
        return judged(
            not inconsistent(table), right and left,
            'additions: ' + ('all references right' if right else 'missing'),
            ended(added), 'removals: '
            + ('referrers first' if left else 'refused'), ended(removed))


def leased(directory, count):
    """Case 12."""
    (directory / 'zeo').mkdir()
    server = ZEOServer(directory=str(directory / 'zeo'))
    try:
        class Shared(This):
            def configure(self, hub='', more=''):
                super().configure(f'zeo://{server.address}?storage=1', more)

        first = paused(Shared, directory, count)
    finally:
        server.stop()
    second = planned(directory / 'plan', count)
    return judged(
        WRONG not in (first.mark, second.mark),
        first.mark == second.mark == RIGHT, first.did, second.did)


def planned(directory, count):
    """Case 12, a saved plan."""
    directory.mkdir()
    made = filled(This, directory, count)
    for number in range(3):
        made.write('one', number, state='done')
    command = made.command
    made.command = *command[:-1], 'plan', '-o', 'plan.json'
    made.run()
    made.write('two', 1, state='mine')
    made.command = *command, 'plan.json'
    result = made.run()
    kept = 'mine' in made.path('two', 1).read_text()
    done = sum('done' in made.path('two', number).read_text()
               for number in (0, 2))
    return judged(
        kept, done == 2 and 'no longer what was planned' in result['output'],
        f'of a saved plan, {done} of 2 steps are done', 'the stale one '
        + ('is left' if kept else 'overwrites what was edited'),
        ended(result))


CASES = {3: cut, 4: moved, 5: unanswered, 8: lossy, 10: referring}
