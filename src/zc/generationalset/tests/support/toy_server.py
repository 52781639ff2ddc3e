"""A server of the protocol without our code: a toy of 330 lines."""

import asyncio
import contextlib
import json
import re
import secrets
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

SET = object()  # in the place of the text of an item
KINDS = {'$int': '"-?[1-9][0-9]*"', '$float': '"[a-z0-9.+-]+"',
         '$bytes': '"[A-Za-z0-9+/=]*"', '$decimal': '"-?[0-9.]+"',
         '$date': '"[0-9-]{10}"', '$object': '{.*}',
         **dict.fromkeys(['$tuple', '$set', '$map'], r'\[.*\]')}


class Refused(Exception):
    def __init__(self, status, detail):
        self.body = {'title': 'Refused', 'status': status, 'detail': detail}


class Tree:
    """Entries, and what is gone, by path; a key is the JSON of an id."""

    def __init__(self):
        self.epoch, self.generation = 'toy', 1
        self.entries = {(): (1, 1, SET)}  # path -> (born, changed, text)
        self.gone = {}  # path -> generation

    def put(self, path, text):
        born, _, old = self.entries.get(path, (0, 0, None))
        if self.entries.get(path[:-1], (0, 0, None))[2] is not SET:
            raise Refused(404, 'there is no such set')
        if old is not None and (old is SET) != (text is SET):
            raise Refused(409, 'expected an item or a set, got the other')
        if old != text:
            self.touch(path)
            self.gone.pop(path, None)
            self.entries[path] = born or self.generation, self.generation, text
        return old is None

    def remove(self, path, is_set=None):
        if path not in self.entries:
            raise Refused(404, 'no such item')
        if is_set not in (None, self.entries[path][2] is SET):
            raise Refused(409, 'a set, or an item')
        self.touch(path)
        self.gone[path] = self.generation
        for each in [e for e in self.entries if e[:len(path)] == path]:
            del self.entries[each]

    def touch(self, path):
        self.generation += 1
        for above in [path[:size] for size in range(len(path))]:
            born, _, text = self.entries[above]
            self.entries[above] = born, self.generation, text

    def unchanged(self, path, since):
        """Tell whether a path has what it had at EPOCH:GENERATION."""
        epoch, _, number = since.rpartition(':')
        above = [path[:size] for size in range(len(path) + 1)]
        last = max(self.entries.get(path, (0, 0))[1],
                   *[self.gone.get(each, 0) for each in above],
                   *[self.entries[each][0] for each in above
                     if each in self.entries])
        return (number == '0' or epoch == self.epoch) and (
            last <= int(number) <= self.generation)

    def updates(self, path, since):
        whole = since < self.entries[path][0]
        found = [self.entry(each, 0 if whole else since) for each, entry in
                 sorted(self.entries.items(), key=lambda pair: pair[1][1])
                 if each and each[:-1] == path and (whole or entry[1] > since)]
        gone = [each[-1] for each, generation in self.gone.items()
                if each[:-1] == path and generation > since]
        members = {'contents': found} if whole else {
            'removals': [json.loads(key) for key in gone], 'adds': found}
        return {name: value for name, value in members.items()
                if value or whole}

    def entry(self, path, since):
        id, text = json.loads(path[-1]), self.entries[path][2]
        return ({'id': id, **self.updates(path, since)} if text is SET
                else [id, json.loads(text)])

    def part(self, path, since):
        news = max([entry[0] for each, entry in self.entries.items()
                    if path[:len(each)] == each]
                   + [generation for each, generation in self.gone.items()
                      if path[:len(each)] == each])
        if self.entries.get(path, (0, 0, None))[2] is not SET:
            return {} if 0 < since >= news else {'contents': []}
        return self.updates(path, since if since >= news else 0)

    def answer(self, epoch, since, parts):
        answer = {'format': 1, 'epoch': self.epoch, 'since': since,
                  'generation': self.generation}
        if since and epoch != self.epoch:
            answer |= {'since_epoch': epoch, 'reset': 'epoch'}
        elif since > self.generation:
            answer |= {'reset': 'ahead'}
        known = 0 if 'reset' in answer else since
        if not parts:
            return answer | self.updates((), known)
        return answer | {'parts': [
            {'path': [json.loads(key) for key in path],
             **self.part(path, known)} for path in parts]}


def is_object(value):
    return isinstance(value, dict) and not (
        len(value) == 1 and next(iter(value)).startswith('$'))


def merged(value, patch):
    if not is_object(patch):
        return patch
    result = dict(value) if is_object(value) else {}
    for name, part in patch.items():
        result[name] = merged(result.get(name), part)
    return {name: part for name, part in result.items()
            if part is not None or name not in patch}


def key(id):
    return json.dumps(id, ensure_ascii=False, separators=(',', ':'))


def keys(path):
    return tuple([key(id) for id in path])


def check(value):
    """Raise ValueError for extended values that are malformed."""
    [name, *others] = value if isinstance(value, dict) and value else ['']
    if name.startswith('$') and not others:
        inner = value[name]
        if not re.fullmatch(KINDS.get(name, '(?!)'), key(inner)):
            raise ValueError(f'{name} is malformed')
        value = list(inner.values()) if name == '$object' else [inner]
    for each in value.values() if isinstance(value, dict) else (
            value if isinstance(value, list) else []):
        check(each)


def pairs(members):
    if len(dict(members)) < len(members):
        raise ValueError('two members of one name')
    return dict(members)


async def document(request, type='application/json'):
    if request.headers.get('content-type') != type:
        raise Refused(415, 'expected JSON')
    value = json.loads(await request.body(), object_pairs_hook=pairs)
    check(value)
    return value


def asked(request):
    query = request.query_params
    since = query.get('generation', '0')
    if not re.fullmatch('[0-9]{1,15}', since):
        raise ValueError('expected a generation')
    paths = json.loads(query.get('parts', '[[0]]'))
    parts = [keys(path) for path in paths if type(path) is list]
    if not isinstance(paths, list) or not 0 < len(parts) <= 100 \
            or len(parts) < len(paths) or not all(parts) or any(
            one == other[:len(one)] for index, one in enumerate(parts)
            for other in parts[:index] + parts[index + 1:]):
        raise ValueError('expected parts')
    return query.get('epoch'), int(since), parts if 'parts' in query else []


def says_nothing(answer):
    return 'reset' not in answer and answer['since'] and not any(
        len(part) > 1 for part in answer['parts']) if 'parts' in answer \
        else answer.keys() == {'format', 'epoch', 'since', 'generation'}


class Toy:
    """The endpoints."""

    def __init__(self):
        self.tree = Tree()

    async def updates(self, request):
        question = asked(request)
        rest = int(request.query_params.get('wait', '0'))
        while says_nothing(answer := self.tree.answer(*question)) and rest > 0:
            await asyncio.sleep(.05)
            rest -= .05
        tag = f'W/"{self.tree.epoch}:{self.tree.generation}"'
        if says_nothing(answer) and request.headers.get(
                'if-none-match') == tag:
            return Response(status_code=304, headers={'etag': tag})
        return JSONResponse(answer, headers={'etag': tag})

    async def events(self, request):
        epoch, since, parts = asked(request)
        epoch, _, last = request.headers.get(
            'last-event-id', f'{epoch}:{since}').rpartition(':')

        async def push(epoch, since):
            while True:
                answer = self.tree.answer(epoch, since, parts)
                if not says_nothing(answer):
                    epoch, since = self.tree.epoch, self.tree.generation
                    yield (f'id: {epoch}:{since}\nevent: updates\n'
                           f'data: {json.dumps(answer)}\n\n')
                await asyncio.sleep(.05)
        return StreamingResponse(push(epoch, int(last)),
                                 media_type='text/event-stream')

    def made(self, request, members, status=200):
        if 'generation' in request.query_params:
            members['updates'] = self.tree.answer(*asked(request))
        return JSONResponse(members, status)

    def change(self, op, path, item=None):
        if op == 'remove':
            with contextlib.suppress(Refused):
                self.tree.remove(path)
        else:
            path = (*path, key(secrets.token_hex(8))) if op == 'add' else path
            if op == 'patch':
                old = self.tree.entries.get(path, (0, 0, None))[2]
                if old in (None, SET):
                    raise Refused(404, 'there is no such item')
                item = merged(json.loads(old), item)
            self.tree.put(path, SET if op == 'set' else json.dumps(item))
        return json.loads(path[-1])

    async def batch(self, request):
        tree = self.tree
        before = tree.generation, dict(tree.entries), dict(tree.gone)
        ids = []
        changes = (await document(request))['changes']
        if 'if-match' in request.headers or any(
                each.keys() - {'op', 'path', 'item', 'unchanged_since'}
                for each in changes):
            raise ValueError('what is that?')
        fine = [self.holds(keys(each['path']), each.get('unchanged_since'))
                for each in changes]
        for each in changes:
            try:
                if not fine[len(ids)]:
                    self.refuse(keys(each['path']))
                ids.append(self.change(each['op'], keys(each['path']),
                                  each.get('item')))
            except Refused as error:
                tree.generation, tree.entries, tree.gone = before
                error.body['change'] = len(ids)
                raise
        return self.made(request, {'ids': ids})

    def holds(self, path, since):
        return since is None or self.tree.unchanged(path, since)

    def refuse(self, path):
        error = Refused(412, 'it has changed')
        text = self.tree.entries.get(path, (0, 0, None))[2]
        if text is not None:
            error.body |= {'length': 0} if text is SET else {
                'item': json.loads(text)}
        raise error

    def conditional(self, request, path, write):
        """Write, if the conditions hold, or if it changes nothing."""
        tree, headers = self.tree, request.headers
        there = path in tree.entries
        tag = headers.get('if-match', '*')
        before = tree.generation, dict(tree.entries), dict(tree.gone)
        fine = (there or 'if-match' not in headers) if tag == '*' else (
            tag.startswith('"') and tree.unchanged(path, tag.strip('"')))
        result = write()
        if (not fine and tree.generation > before[0]) or (
                not there and headers.get('if-match') == '*') or (
                there and 'if-none-match' in headers):
            tree.generation, tree.entries, tree.gone = before
            self.refuse(path)
        return result

    async def item(self, request):
        raw = request.scope['raw_path'].decode().partition('/items/')[2]
        path = tuple([
            key(json.loads(id[1:]) if id.startswith('~') else id)
            for id in map(unquote, raw.rstrip('/').split('/')) if id])
        is_set = raw.endswith('/') or not raw
        if request.method == 'GET':
            entry = self.tree.entries.get(path)
            if entry is None or (entry[2] is SET) != is_set:
                raise Refused(404, 'there is no such item')
            return JSONResponse(
                {'id': json.loads(path[-1])} if is_set
                else json.loads(entry[2]), headers={
                    'etag': f'"{self.tree.epoch}:{self.tree.generation}"'})
        if request.method == 'DELETE':
            self.conditional(
                request, path, lambda: self.tree.remove(path, is_set))
            return self.made(request, {})
        if request.method == 'PATCH':
            patch = await document(request, 'application/merge-patch+json')
            self.conditional(
                request, path, lambda: self.change('patch', path, patch))
            return self.made(request, {})
        if request.method == 'POST':
            id = self.change('add', path, await document(request))
            return self.made(request, {'id': id}, 201)
        text = SET if is_set else json.dumps(await document(request))
        is_new = self.conditional(
            request, path, lambda: self.tree.put(path, text))
        return self.made(request, {}, 201 if is_new else 200)


async def problem(request, error):
    body = getattr(error, 'body', {
        'title': 'Bad', 'status': 400, 'detail': str(error)})
    return JSONResponse(body, body['status'],
                        media_type='application/problem+json')


def application(toy):
    return Starlette(routes=[
        Route('/updates', toy.updates), Route('/events', toy.events),
        Route('/batch', toy.batch, methods=['POST']),
        Route('/items/{path:path}', toy.item,
              methods=['GET', 'PUT', 'POST', 'DELETE', 'PATCH'])],
        exception_handlers={Refused: problem, ValueError: problem})
