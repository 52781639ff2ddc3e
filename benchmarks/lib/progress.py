"""Tells the user what is being done."""

import sys
import time


class Progress:
    """Prints lines with the seconds since it was made."""

    def __init__(self):
        self._start = time.monotonic()

    def __call__(self, text):
        seconds = time.monotonic() - self._start
        print(f'{seconds:5.0f} s  {text}', file=sys.stderr, flush=True)
