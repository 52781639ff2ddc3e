"""A clock that can be set, for processes that start with its environment.

Python imports a module ``sitecustomize`` before all else.  The one here takes
the time from a file.
"""

import os

from zc.generationalset.tests.support.serving import ENVIRONMENT

_SITE = '''
import time

def _time(real=time.time):
    try:
        with open({path!r}) as file:
            return real() + float(file.read() or 0)
    except FileNotFoundError:
        return real()

time.time = _time
'''


class Clock:
    """The clock of some processes."""

    def __init__(self, directory):
        self._path = os.path.join(directory, 'clock')
        site = os.path.join(directory, 'site')
        os.mkdir(site)
        with open(os.path.join(site, 'sitecustomize.py'), 'w') as file:
            file.write(_SITE.format(path=self._path))
        self.environment = {
            **ENVIRONMENT, 'PYTHONPATH': os.pathsep.join(
                [site, ENVIRONMENT['PYTHONPATH']])}
        self.offset = 0

    def turn(self, seconds):
        """Set the clock forward by so many seconds, or back."""
        self.offset += seconds
        with open(self._path + '.new', 'w') as file:
            file.write(str(self.offset))
        os.replace(self._path + '.new', self._path)
