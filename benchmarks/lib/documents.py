"""The documents that all servers are given."""

import json

#: Bytes of a document as compact JSON, its id not counted.
SIZE = 200


def item_id(number):
    return f'item-{number:07}'


def document(number, version=0, mark=''):
    """Return a document of 200 bytes.

    ``mark`` is text that is in it as it is.
    """
    content = {'name': f'item {number}', 'version': version, 'mark': mark,
               'text': ''}
    missing = SIZE - len(json.dumps(content, separators=(',', ':')))
    content['text'] = ('a text that says nothing ' * 8)[:missing]
    return content


def documents(count, start=0):
    """Return pairs of ids and documents."""
    return [(item_id(number), document(number))
            for number in range(start, start + count)]
