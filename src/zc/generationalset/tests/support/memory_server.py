"""Serves a source in memory; prints its URL when it is ready."""

from starlette.routing import Route

from zc.generationalset.process.running import run
from zc.generationalset.process.sockets import listen
from zc.generationalset.server import application
from zc.generationalset.sources import ReadOnly
from zc.generationalset.tests.support.memory import Member, MemorySource


async def sell(request):
    """Do what a handler of an application does."""
    id = request.path_params['id']

    def change(tree):
        if id == 'nothing':
            raise ReadOnly('nobody sells nothing')
        generation = tree.members[()].generation + 1
        tree.members[()] = Member(1, generation)
        tree.members[(id,)] = Member(generation, generation, b'"sold"')

    return await request.app.state.gset.write(request, change)


def main():
    app = application(
        MemorySource('ann', 'bob'),
        tokens={'a': 'ann', 'b': 'bob', 'c': 'cid'},
        name=lambda request: request.scope['user'],
        routes=[Route('/sell/{id}', sell, methods=['POST'])])
    listening = listen('127.0.0.1', 0)
    run(app, listening, lambda: print(
        f'http://127.0.0.1:{listening.getsockname()[1]}', flush=True))
