"""An application in which each user has a tree."""

from zc.generationalset import GSet
from zc.generationalset.tests.support.serving import Served


class UsersTests(Served):
    """Each user has a tree of their own."""

    options = {
        'tokens': {'secret of ann': 'ann', 'secret of bob': 'bob',
                   'secret of eve': 'eve'},
        'name': lambda request: request.scope['user'],
        'find': lambda root, name: root['trees'][name]}

    def setUp(self):
        super().setUp()
        with self.db.transaction() as connection:
            connection.root.trees = {'ann': GSet(), 'bob': GSet()}

    def request(self, user, method, path, **options):
        return self.http.request(method, path, headers={
            'Authorization': f'Bearer secret of {user}'}, **options)

    def test_trees(self):
        for user in 'ann', 'bob':
            response = self.request(user, 'PUT', f'/items/{user}', json=user)
            self.assertEqual(response.status_code, 201)
        for user in 'ann', 'bob':
            response = self.request(user, 'GET', '/updates')
            self.assertEqual(response.json()['contents'], [[user, user]])
        self.refused(404, self.request('bob', 'GET', '/items/ann'))
        self.refused(404, self.request('bob', 'DELETE', '/items/ann'))
        self.refused(404, self.request('eve', 'GET', '/updates'), 'no such')
        self.refused(404, self.request('eve', 'PUT', '/items/x', json=1))
        self.refused(401, self.http.get('/updates'))
        self.refused(401, self.request('carl', 'GET', '/items/ann'))
