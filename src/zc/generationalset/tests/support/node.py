"""Node, with the packages that tests in JavaScript use.

npm installs what is in their package.json.
"""

import fcntl
import json
import subprocess
import sys

from zc.generationalset.tests.support import programs
from zc.generationalset.tests.support.places import JAVASCRIPT
from zc.generationalset.tests.support.serving import ENVIRONMENT


class Node:
    """A layer of tests: Node, with the packages that its tests use."""

    missing = None

    @classmethod
    def setUp(cls):
        try:
            cls.prepare()
        except programs.Missing as missing:
            cls.missing = str(missing)

    @classmethod
    def tearDown(cls):
        pass

    @classmethod
    def prepare(cls):
        if not (JAVASCRIPT / 'package.json').exists():
            raise programs.Missing('this installation is without them')
        cls.node = programs.node()
        with open(JAVASCRIPT / 'package.json') as package:
            fcntl.flock(package, fcntl.LOCK_EX)  # other layers install, too
            if not all((JAVASCRIPT / 'node_modules' / name).exists()
                       for name in json.load(package)['devDependencies']):
                installed = run(*cls.node.npm, 'ci')
                if installed.returncode:
                    raise programs.Missing(
                        f'npm ci failed: {installed.stderr}')


def run(*command):
    environment = {**ENVIRONMENT, **Node.node.environment,
                   'GSET_TEST_PYTHON': sys.executable}
    return subprocess.run(
        command, cwd=JAVASCRIPT, env=environment, capture_output=True,
        encoding='utf-8')
