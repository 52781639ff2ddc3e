"""Logs of a server: lines of text, or of JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import Any

from zc.generationalset.commands.terminal import escape

LEVELS = 'warning', 'info', 'debug'
FORMATS = 'text', 'json'


def configure(format: str, level: str) -> None:
    """Send all logs to the standard error output."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JSONFormatter() if format == 'json' else
        TextFormatter('%(asctime)s %(levelname)s %(name)s: %(message)s'))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class TextFormatter(logging.Formatter):
    """Formats a record as one line, whatever a server or client has sent."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = escape(record.message)
        return super().formatMessage(record)


class JSONFormatter(logging.Formatter):
    """Formats a record as one JSON object, in one line."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, timezone.utc)
        entry: dict[str, Any] = {
            'time': time.isoformat(timespec='milliseconds'),
            'level': record.levelname.lower(),
            'logger': record.name,
            'message': record.getMessage(),
            'process': record.process,
        }
        if (request := getattr(record, 'request', None)) is not None:
            entry['request'] = request
        if record.exc_info:
            entry['exception'] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)
