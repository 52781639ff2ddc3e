"""Users and their tokens."""

import contextlib
import os
import pickle
import signal
import tempfile
import unittest
import unittest.mock
from functools import partial

from starlette.requests import Request

from zc.generationalset.commands import Failure
from zc.generationalset.commands.tokens import Tokens, User, parse
from zc.generationalset.tests.support.serving import wait


def request(token):
    return Request({'type': 'http', 'headers': [
        (b'authorization', f'Bearer {token}'.encode())]})


class ParserTests(unittest.TestCase):

    def refused(self, text, pattern):
        with self.assertRaisesRegex(Failure, pattern) as caught:
            parse(text, 'tokens')
        self.assertNotIn('secret', str(caught.exception))

    def test_users(self):
        users = parse('ann secret-a\n\tbob \t secret-b read \r\n', 'tokens')
        self.assertEqual(users, {'secret-a': 'ann', 'secret-b': 'bob'})
        self.assertTrue(users['secret-a'].may_write)
        self.assertFalse(users['secret-b'].may_write)

    def test_comments(self):
        users = parse('# old\n\n \t#ann secret-old\n#\nann secret', 'tokens')
        self.assertEqual(users, {'secret': 'ann'})
        self.refused(' # ann secret', 'expected a line with a name')

    def test_lines_that_are_not_understood(self):
        for line in 'secret', 'ann secret write', 'ann secret read read', \
                'ann my secret phrase':
            self.refused(f'\n{line}', '^tokens, line 2: expected a name and')

    def test_other_spaces(self):
        """No name has characters that look like spaces, or like nothing."""
        for space in '\xa0', '\u2028', '\x85', '\x0b', '\u200b', '\ufeff':
            self.refused(f'ann{space} secret', 'printable')
            self.refused(f'ann secret{space}', 'visible ASCII')
            self.refused(f'ann{space}secret', 'expected a name and')

    def test_tokens_that_can_not_be_right(self):
        self.refused('ann s', 'at least 3 characters, got 1')
        self.refused('ann secr\xe9t', 'visible ASCII')

    def test_a_token_is_of_one_user(self):
        self.refused('ann secret\nbob secret', '^tokens, line 2: .* ann has$')
        self.refused('ann secret\nann secret read', 'line 2')
        self.assertEqual(
            parse('ann secret-1\nann secret-2', 'tokens'),
            {'secret-1': 'ann', 'secret-2': 'ann'})


class TokensTests(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, 'tokens')

    def write(self, data):
        with open(self.path, 'wb', opener=partial(os.open, mode=0o600)
                  ) as file:
            file.write(data)

    def test_file(self):
        self.write('ann secret-a\nZo\xeb secret-b read\n'.encode())
        tokens = Tokens(self.path, 'secret-c')
        self.assertTrue(tokens)
        zoe = tokens.authenticate(request('secret-b'))
        self.assertEqual(zoe, 'Zo\xeb')
        self.assertFalse(zoe.may_write)
        self.assertIsNone(tokens.authenticate(request('secret-c')))

    def test_byte_order_mark(self):
        self.write('\ufeff# comment\nann secret\n'.encode())
        self.assertEqual(Tokens(self.path).users, {'secret': 'ann'})

    def test_files_that_can_not_be_read(self):
        with self.assertRaisesRegex(Failure, 'can not read .*tokens'):
            Tokens(self.path)
        self.write(b'ann \xff\xfe')
        with self.assertRaisesRegex(Failure, 'can not read .*tokens'):
            Tokens(self.path)

    def test_others_may_read_or_change_it(self):
        self.write(b'ann secret')
        for mode, is_bad in [
                (0o600, False), (0o640, False), (0o644, True), (0o660, True),
                (0o602, True)]:
            os.chmod(self.path, mode)
            with self.logged(is_bad) as logs:
                Tokens(self.path)
            self.assertEqual(
                [f'{mode:03o}' in line for line in logs.output],
                [True] * is_bad)

    def logged(self, is_expected=True):
        logger = 'zc.generationalset.server'
        return self.assertLogs(logger) if is_expected else \
            contextlib.nullcontext(unittest.mock.Mock(output=[]))

    def test_reread(self):
        self.write(b'ann secret-a')
        tokens = Tokens(self.path)
        self.write(b'bob secret-b read')
        tokens.reread()
        self.assertIsNone(tokens.authenticate(request('secret-a')))
        self.assertFalse(tokens.authenticate(request('secret-b')).may_write)
        self.write(b'bob')
        with self.logged() as logs:
            tokens.reread()
        self.assertIn('until it is mended', logs.output[0])
        self.assertEqual(tokens.users, {'secret-b': 'bob'})

    def test_kept_current(self):
        """When the file changes, and on SIGHUP, until the server ends."""
        self.write(b'ann secret-a')
        tokens = Tokens(self.path)
        before = signal.getsignal(signal.SIGHUP)  # nohup ignores it
        told = []
        with tokens.kept_current(lambda: told.append(tokens.users)):
            # Longer, since time may have stood still.
            self.write(b'ann secret-longer')
            wait(lambda: 'secret-longer' in tokens.users)
            self.write(b'ann secret-after')
            signal.raise_signal(signal.SIGHUP)
            wait(lambda: told == [{'secret-after': 'ann'}])
        self.assertEqual(signal.getsignal(signal.SIGHUP), before)
        with Tokens(None, 'secret').kept_current():
            self.assertEqual(signal.getsignal(signal.SIGHUP), before)

    def test_a_copy_has_what_is_right_now(self):
        self.write(b'ann secret-a')
        tokens = Tokens(self.path)
        self.write(b'ann secret-b')
        tokens.reread()
        os.remove(self.path)
        copy = pickle.loads(pickle.dumps(tokens))
        self.assertEqual(copy.authenticate(request('secret-b')), 'ann')

    def test_environment(self):
        user = Tokens(None, 'secret').authenticate(request('secret'))
        self.assertEqual(user, 'GSET_TOKEN')
        self.assertTrue(user.may_write)
        for token in 'secret ', '\udcff\udcfe\udcfd', 'a':
            with self.assertRaisesRegex(Failure, '^GSET_TOKEN: expected '):
                Tokens(None, token)

    def test_nobody_has_tokens(self):
        for token in None, '':
            self.assertFalse(Tokens(None, token))

    def test_users_are_names(self):
        ann = pickle.loads(pickle.dumps(User('ann', may_write=False)))
        self.assertEqual((ann, ann.may_write), ('ann', False))
        self.assertEqual(hash(ann), hash('ann'))
