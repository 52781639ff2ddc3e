"""Handling of signals."""

from __future__ import annotations

import signal
from typing import Any


def on_hangup(handler: Any) -> Any:
    """Set what SIGHUP does, and return what it did; Windows has no SIGHUP."""
    number = getattr(signal, 'SIGHUP', None)
    return None if number is None else signal.signal(number, handler)
