"""What a piece of work takes."""

import os
import resource
import subprocess
import time


class Measured:
    """Measures what is done in a ``with`` statement.

    ``figures`` has seconds, seconds of processor, and the most bytes of memory
    that the process has had.
    """

    def __enter__(self):
        self.figures = {}
        self._start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error):
        seconds, processor = self._start
        self.figures = {
            'seconds': time.perf_counter() - seconds,
            'processor': time.process_time() - processor,
            'memory': resource.getrusage(
                resource.RUSAGE_SELF).ru_maxrss * 1024}


def process(command, directory, **variables):
    """Run a command; return its figures, its exit code and its output."""
    start = time.perf_counter()
    with subprocess.Popen(
            command, cwd=directory, env={**os.environ, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True) as running:
        output = running.stdout.read()
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    return {'seconds': time.perf_counter() - start,
            'processor': used.ru_utime + used.ru_stime,
            'memory': used.ru_maxrss * 1024,
            'code': running.returncode, 'output': output}
