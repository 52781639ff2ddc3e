"""A real CalDAV server."""

import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.processes import wait
from zc.generationalset.tests.support.serving import ENVIRONMENT


class Radicale(Processes):
    """A layer with a server, in which ann has the calendar at ``url``."""

    @classmethod
    def setUp(cls):
        cls.folder = tempfile.TemporaryDirectory()
        port = free_port()
        with Path(cls.folder.name, 'log').open('wb') as log:
            cls.process = subprocess.Popen(
                [sys.executable, '-m', 'radicale', '--config', '',
                 f'--server-hosts=127.0.0.1:{port}', '--auth-type=none',
                 f'--storage-filesystem-folder={cls.folder.name}/data'],
                env=ENVIRONMENT, stdout=log, stderr=subprocess.STDOUT)
        cls.url = f'http://127.0.0.1:{port}/ann/tasks/'
        wait(cls.answers)

    @classmethod
    def answers(cls):
        if cls.process.poll() is not None:
            raise AssertionError(
                f'it ended with {cls.process.returncode}: '
                + Path(cls.folder.name, 'log').read_text())
        try:
            # It is there if an earlier response was lost.
            return httpx.request('MKCALENDAR', cls.url, auth=(
                'ann', 'any')).status_code in (201, 409)
        except httpx.TransportError:
            return False

    @classmethod
    def tearDown(cls):
        cls.process.terminate()
        cls.process.wait(90)
        cls.folder.cleanup()
