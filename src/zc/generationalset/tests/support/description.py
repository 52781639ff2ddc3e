"""The server's OpenAPI description, and a check of responses with it."""

import json
from pathlib import Path
from typing import NamedTuple

import jsonschema_rs

from zc.generationalset import server

DESCRIPTION = json.loads(
    (Path(server.__file__).parent / 'openapi.json').read_bytes())
METHODS = 'get', 'head', 'put', 'post', 'delete', 'patch', 'options', 'trace'


def resolve(part):
    """Return a part of the description, or what it refers to."""
    while '$ref' in part:
        _, *names = part['$ref'].split('/')
        part = DESCRIPTION
        for name in names:
            part = part[name]
    return part


def validator(schema):
    return jsonschema_rs.Draft202012Validator(
        {**schema, 'components': DESCRIPTION['components']},
        validate_formats=True)


def schema_named(name):
    return validator({'$ref': f'#/components/schemas/{name}'})


class Operation(NamedTuple):
    """A method of a path."""

    method: str
    path: str
    definition: dict
    parameters: list

    @property
    def name(self):
        return self.definition['operationId']

    @property
    def statuses(self):
        return {int(status) for status in self.definition['responses']}

    @property
    def url(self):
        """The path with the examples of its parameters."""
        path = self.path
        for parameter in self.parameters:
            if parameter['in'] == 'path':
                name = parameter['name']
                path = path.replace(f'{{{name}}}', parameter['example'])
        return path

    @property
    def body(self):
        """An example of a body; None if there is none."""
        if 'requestBody' not in self.definition:
            return None
        content = resolve(self.definition['requestBody'])['content']
        [content] = content.values()
        [(_, example), *_] = examples(content)
        return example

    @property
    def kind(self):
        """The media type of the body."""
        [kind] = resolve(self.definition['requestBody'])['content']
        return kind

    def takes(self, name):
        return name in [parameter['name'] for parameter in self.parameters]

    def check(self, response):
        """Raise an error if a response isn't as described.

        The events of an event stream aren't checked.
        """
        described = resolve(
            self.definition['responses'][str(response.status_code)])
        for name, header in described.get('headers', {}).items():
            header = resolve(header)
            text = response.headers[name]
            if header['schema'].get('type') == 'integer':
                text = int(text)
            validator(header['schema']).validate(text)
        kind, *_ = response.headers.get('content-type', '').split(';')
        content = described.get('content', {'': None})[kind]
        if kind.endswith('json'):
            validator(content['schema']).validate(response.json())


def operations():
    for path, item in DESCRIPTION['paths'].items():
        for method in METHODS:
            if method in item:
                yield Operation(method.upper(), path, item[method], [
                    resolve(parameter) for parameter in
                    item.get('parameters', []) + item[method].get(
                        'parameters', [])])


def examples(part):
    """Yield names and values of the examples of a part."""
    if 'example' in part:
        yield 'example', part['example']
    for name, example in part.get('examples', {}).items():
        yield name, resolve(example)['value']


def parts(part=DESCRIPTION):
    """Yield all objects in the description, except those in examples."""
    if isinstance(part, dict):
        yield part
        for name, inner in part.items():
            if name not in ('example', 'value'):
                yield from parts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from parts(inner)
