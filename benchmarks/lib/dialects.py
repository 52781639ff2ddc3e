"""The requests to each server that have the same effect.

A dialect makes requests, and reads their responses.  One object is one client:
it remembers what a client of that server has to remember.
"""

from urllib.parse import quote

from benchmarks.lib.connection import request

#: Documents in a page of a copy; our server has the same size.
PAGE = 1000


class This:
    """The protocol of docs/protocol.txt."""

    #: Requests that make the collection.
    setup = ()
    #: Documents or changes in one request.
    batch = 1000

    def __init__(self):
        self._has = None

    def load(self, pairs):
        """Return the request that puts many documents at once."""
        return request('POST', '/batch', {'changes': [
            {'op': 'put', 'path': [id], 'item': item} for id, item in pairs]})

    def put(self, id, item):
        return request('PUT', f'/items/{id}{self._query(self._has)}', item)

    def remove(self, ids):
        """Return the request that removes many documents at once."""
        return request('POST', '/batch', {'changes': [
            {'op': 'remove', 'path': [id]} for id in ids]})

    def learn(self, response):
        """Remember what a client needs from the response to a write."""
        updates = response.json().get('updates')
        if updates:
            self._has = updates['epoch'], updates['generation']

    def all_right(self, response):
        """Tell whether all writes of a request were made."""
        return response.status == 200

    def everything(self):
        """Return the request of a client that has nothing."""
        return request('GET', '/updates')

    def changes(self, token):
        """Return the request of a client that has a token."""
        return request('GET', f'/updates{self._query(token)}')

    def token(self, response):
        """Return the token that comes with an answer."""
        answer = response.json()
        self._has = answer['epoch'], answer['generation']
        return self._has

    def count(self, response):
        """Return how many items are in an answer."""
        answer = response.json()
        return len(answer.get('contents', answer.get('adds', ())))

    def page(self, previous=None):
        """Return the request for the next page of a copy.

        None after the last page, which is ``previous``.
        """
        cursor = '' if previous is None else previous.json().get('next')
        return None if cursor is None else request(
            'GET', f'/updates?cursor={quote(cursor)}')

    def poll(self, connection, token):
        """Return a request that is answered with 304, or with nothing new."""
        epoch, generation = token
        return request('GET', f'/updates{self._query(token)}', headers=[
            f'If-None-Match: W/"{epoch}:{generation}"'])

    def stream(self, token):
        """Return the request that opens a stream of changes."""
        return request('GET', f'/events{self._query(token)}')

    @staticmethod
    def _query(token):
        if token is None:
            return ''
        epoch, generation = token
        return f'?generation={generation}&epoch={quote(epoch, safe="")}'


class Kinto:
    """Kinto's HTTP API; the token is the ETag of the collection."""

    setup = (request('PUT', '/v1/buckets/bench'),
             request('PUT', '/v1/buckets/bench/collections/things'))
    # More than the default of 25 is hardly faster.
    batch = 100
    _records = '/buckets/bench/collections/things/records'

    def load(self, pairs):
        return self._batch('PUT', [
            {'path': f'{self._records}/{id}', 'body': {'data': item}}
            for id, item in pairs])

    def put(self, id, item):
        return request('PUT', f'/v1{self._records}/{id}', {'data': item})

    def remove(self, ids):
        return self._batch('DELETE', [
            {'path': f'{self._records}/{id}'} for id in ids])

    @staticmethod
    def _batch(method, requests):
        return request('POST', '/v1/batch', {
            'defaults': {'method': method}, 'requests': requests})

    def learn(self, response):
        pass

    def all_right(self, response):
        return all(part['status'] < 300
                   for part in response.json()['responses'])

    def everything(self):
        return request('GET', f'/v1{self._records}')

    def changes(self, token):
        return request('GET', f'/v1{self._records}?_since={quote(token)}')

    def token(self, response):
        return response.headers['etag']

    def count(self, response):
        return len(response.json()['data'])

    def page(self, previous=None):
        if previous is None:
            return request('GET', f'/v1{self._records}?_limit={PAGE}')
        found = previous.headers.get('next-page')
        return found and request('GET', found[found.index('/v1'):])

    def poll(self, connection, token):
        return request('GET', f'/v1{self._records}?_since={quote(token)}',
                       headers=[f'If-None-Match: {token}'])


class Pouch:
    """CouchDB's HTTP API; the token is the number of a change."""

    setup = (request('PUT', '/things'),)
    batch = 1000

    def __init__(self):
        self._revisions = {}

    def load(self, pairs):
        return self._bulk([self._revised(id, item) for id, item in pairs])

    def put(self, id, item):
        return request('PUT', f'/things/{id}', self._revised(id, item))

    def remove(self, ids):
        return self._bulk([self._revised(id, {'_deleted': True})
                           for id in ids])

    @staticmethod
    def _bulk(docs):
        return request('POST', '/things/_bulk_docs', {'docs': docs})

    def _revised(self, id, item):
        revised = {**item, '_id': id}
        if id in self._revisions:
            revised['_rev'] = self._revisions[id]
        return revised

    def learn(self, response):
        answers = response.json()
        for answer in answers if isinstance(answers, list) else [answers]:
            self._revisions[answer['id']] = answer['rev']

    def all_right(self, response):
        return all(answer.get('ok') for answer in response.json())

    def everything(self):
        return request('GET', '/things/_changes?include_docs=true')

    def changes(self, token):
        return request(
            'GET', f'/things/_changes?include_docs=true&since={token}')

    def token(self, response):
        return response.json()['last_seq']

    def count(self, response):
        return len(response.json()['results'])

    def page(self, previous=None):
        since = 0
        if previous is not None:
            answer = previous.json()
            since = answer['last_seq']
            if len(answer['results']) < PAGE:
                return None
        return request('GET', '/things/_changes?include_docs=true'
                       f'&limit={PAGE}&since={since}')

    def poll(self, connection, token):
        message = self.changes(token)
        tag = connection.ask(message).headers['etag']
        return message[:-2] + f'If-None-Match: {tag}\r\n\r\n'.encode()

    def stream(self, token):
        return request(
            'GET', '/things/_changes?feed=continuous&include_docs=true'
            f'&heartbeat=15000&since={token}')


class Empty:
    """A server that says hello."""

    setup = ()

    @staticmethod
    def hello():
        return request('GET', '/')
