"""Any uvicorn ends within a limit, even with clients connected."""

import threading

from starlette.applications import Starlette
from starlette.routing import Mount

from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import (
    Served,
    plain,
    running,
    wait,
)


class ShutdownTests(Served):

    def serving(self, app):
        """Serve as applications do; end with what is still open."""
        return running(plain(app), seconds=20)

    def end(self, app, path=''):
        with self.changing() as things:
            position = {'generation': things.generation,
                        'epoch': things.epoch}
        results = []

        def poll():
            results.append(self.http.get(
                f'{url}{path}/updates', params={**position, 'wait': 30}))
        thread = threading.Thread(target=poll)
        with Mute('uvicorn.error') as mute, Mute('asyncio') as other:
            with self.serving(app) as url:
                stream = self.stack.enter_context(self.http.stream(
                    'GET', f'{url}{path}/events'))
                chunks = stream.iter_raw()
                next(chunks)
                thread.start()
                tree = self.app.state.gset._trees[1].tree(None)
                wait(lambda: tree.listeners == 2)
            thread.join(90)
            for _ in chunks:  # to its end, which there is
                pass
        self.assertEqual(results[0].status_code, 200)
        self.assertEqual(results[0].json()['since'],
                         results[0].json()['generation'])
        records = [record for record in mute.records + other.records
                   if record.exc_info]
        self.assertEqual(records, [])

    def test_alone(self):
        self.end(self.app)

    def test_mounted(self):
        self.end(Starlette(routes=[Mount('/sync', self.app)]), '/sync')
