"""Repositories of git, for tests."""

import os
import subprocess
import sys
import tempfile

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items()
       if not name.startswith('GIT_')},
    # No user's settings of git, and no repository around our directories.
    'GIT_CEILING_DIRECTORIES': os.path.realpath(tempfile.gettempdir()),
    'GIT_CONFIG_GLOBAL': os.devnull,
    'GIT_CONFIG_NOSYSTEM': '1',
    'PYTHONPATH': os.pathsep.join(filter(None, sys.path)),
    'LC_ALL': 'C',
}

#: Input of git fast-import, which can make names that some file systems
#: refuse.  Paths in quotes are as in C.
COMMIT = b"""\
commit refs/heads/%(branch)s
mark :%(mark)d
committer A <a@example.com> %(time)d +0000
data 0
%(body)s
"""
ODD_NAMES = [
    b'"with space"', rb'"\"quoted\" and \'so"', rb'"two\nlines"',
    rb'"\n"', rb'":100644 colon"', '"ß-文.txt"'.encode(), rb'"not utf-8 \377"',
    rb'"tab\tand\\"', b'"commit"', b'"d/e/commit"',
]


def file(path, text):
    return b'M 100644 inline %s\ndata %d\n%s\n' % (path, len(text), text)


def fast_import(commits):
    return b''.join(
        COMMIT % {b'branch': branch, b'mark': mark, b'time': 10 ** 9 + mark,
                  b'body': b''.join(body)}
        for mark, (branch, *body) in enumerate(commits, 1))


HISTORY = fast_import([
    (b'main', file(b'a', b'1'), file(b'b', b'1'), file(b'c', b'1')),
    (b'main', *[file(name, b'odd') for name in ODD_NAMES]),
    (b'main', file(b'a', b'2'), b'D b\n', file(ODD_NAMES[0], b'changed')),
    # On a branch, without "a" in conflict
    (b'side', b'from :2\n', file(b'on-side', b'1'), b'D c\n'),
    (b'side', file(b'on-side', b'2'), b'D %s\n' % ODD_NAMES[1]),
    (b'main', file(b'd/e/f', b'1')),
    (b'main', b'merge :5\n', file(b'on-side', b'2'), b'D c\n',
     b'D %s\n' % ODD_NAMES[1], file(b'in-merge', b'1')),
    (b'main',),  # an empty commit
    (b'main', b'D d/e\n', file(b'd/e', b'now a file'), file(b'b', b'back')),
])
COMMITS = 7  # without the commits of the branch


def git(repository, *arguments, **options):
    done = subprocess.run(
        ['git', '-C', str(repository), *arguments],
        env=ENVIRONMENT, capture_output=True, **options)
    if done.returncode:
        raise AssertionError(f'git {arguments} said: {done.stderr!r}')
    return done.stdout


def tree(repository):
    """Return what git has: content ids by path."""
    listed = git(repository, 'ls-tree', '-r', '-z', '--full-tree', 'HEAD')
    result = {}
    for line in listed.decode(errors='surrogateescape').split('\0')[:-1]:
        about, path = line.split('\t', 1)
        result[path] = about.split(' ')[2]
    return result
