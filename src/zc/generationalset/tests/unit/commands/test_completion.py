"""Shells complete what the command takes."""

import contextlib
import io
import subprocess
import tempfile
import unittest
from pathlib import Path

from zc.generationalset.__main__ import main
from zc.generationalset.tests.support.layers import Processes

#: Prints what bash would offer for the last of the words.
ASK = '''
source "$0"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shtab_gset gset "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
'''


def completion(shell):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(['completion', shell]) == 0
    return out.getvalue()


class CompletionTests(unittest.TestCase):

    layer = Processes

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name)
        Path(self.path, 'tokens.txt').touch()
        Path(self.path, 'toys').mkdir()
        self.script = Path(self.path, 'script')
        self.script.write_text(completion('bash'))

    def offers(self, line):
        done = subprocess.run(
            ['bash', '-c', ASK, str(self.script), *line.split(' ')],
            cwd=self.path, capture_output=True, text=True, timeout=90)
        self.assertEqual(done.stderr, '')
        return done.stdout.split()

    def test_bash(self):
        for line, offers in [
                ('gset wa', ['watch']), ('gset com', ['completion']),
                ('gset sync re', ['resolve', 'release']),
                ('gset import --', ['--help', '--token-file', '--replace',
                                    '--dry-run']),
                ('gset completion ', ['bash', 'zsh', 'fish']),
                ('gset serve --log-format ', ['text', 'json']),
                ('gset get URL --token-file tok', ['tokens.txt']),
                ('gset import URL tok', ['tokens.txt']),
                ('gset serve to', ['tokens.txt', 'toys']),
                ('gset serve --pages to', ['toys'])]:
            self.assertEqual(sorted(self.offers(line)), sorted(offers), line)

    def test_other_shells(self):
        self.assertTrue(completion('zsh').startswith('#compdef gset\n'))
        self.assertIn('complete -c gset ', completion('fish'))
