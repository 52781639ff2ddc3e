"""``gset sync watch``, in a process of its own."""

import json
import signal
import subprocess
import sys
import unittest

import httpx

from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT
from zc.generationalset.tests.support.syncing import InFolder, replace


class WatchTests(InFolder, unittest.TestCase):

    layer = Processes

    def start(self, *options):
        process = subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset', 'sync', 'watch',
             *options],
            cwd=self.folder, env=ENVIRONMENT, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def stop(self, process):
        """It may be within a run that finds nothing left to do."""
        process.send_signal(signal.SIGTERM)
        self.assertIn(process.communicate(timeout=90)[0], [
            '', 'problem: stopped; the next run goes on\n'])
        self.assertEqual(process.returncode, 0)

    def test_watch(self):
        process = self.start()

        def told(*lines):
            for line in lines:
                self.assertRegex(process.stdout.readline(), line)

        told(r'table \+ issue A bug \(from notes\)')
        replace(self.note, self.note.read_text().replace('open', 'done'))
        told('table ~ issue A bug state: open → done')
        rows = self.table.read_text()
        self.table.unlink()
        told('unavailable: table: ')
        replace(self.table, rows)
        told('available: table')
        replace(self.note, self.note.read_text().replace('fails', 'burns'))
        told('table ~ issue A bug body')
        self.stop(process)
        [row] = map(json.loads, self.table.read_text().splitlines())
        self.assertEqual((row['state'], row['body']), ('done', 'It burns.\n'))

    def test_serve(self):
        process = self.start('--serve', '--port', '0')
        line = process.stdout.readline()
        self.assertRegex(line, 'serving what is kept equal at http://')
        url = line.split()[-1]
        self.assertEqual(process.stdout.readline(),
                         f'explore it at {url}/explore\n')
        self.assertRegex(process.stdout.readline(), r'table \+ issue A bug')
        text = httpx.get(f'{url}/updates?generation=0').text
        for each in 'A bug', 'conflicts', 'table':
            self.assertIn(each, text)
        self.assertIn('Stores kept equal', httpx.get(url).text)
        self.stop(process)
