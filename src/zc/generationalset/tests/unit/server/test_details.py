"""What clients are told of what they sent."""

from zc.generationalset.tests.support.serving import Served


class DetailsTests(Served):

    def test_not_utf_8(self):
        for content, kind in [
                ('"ä"'.encode('latin-1'), 'application/json'),
                ('"ä"'.encode('utf-16'), 'application/json'),
                (b'"a"', 'application/json; charset=latin-1')]:
            for method, path in ('PUT', '/items/x'), ('POST', '/batch'):
                self.refused(415, self.http.request(
                    method, path, content=content,
                    headers={'content-type': kind}), 'UTF-8')
        self.assertNotIn('x', str(self.get().json()['contents']))

    def test_details_show_json(self):
        for path in ('~null', '~true', '~{"$bytes":"YQ=="}', '~[null]', '%zz',
                     '~{"$date":null}', '~{"$tuple":[null,true]}'):
            for method in 'GET', 'DELETE':
                response = self.http.request(method, f'/items/{path}')
                self.assertIn(response.status_code, (400, 404))
                self.assertNotRegex(
                    response.json()['detail'], "None|True|b'")
        for item in ('{"$int": null}', '{"$set": [null, null]}',
                     '{"$map": [[null, true]], "$a": {"$bytes": 1}}',
                     '[{"$bytes": null}]', '{"$tuple": true}',
                     '{"$set": [{"$bytes": "YQ=="}, {"$bytes": "YQ=="}]}'):
            response = self.http.put(
                '/items/x', content=item,
                headers={'content-type': 'application/json'})
            self.assertEqual(response.status_code, 400, item)
            self.assertNotRegex(response.json()['detail'], "None|True|b'")
