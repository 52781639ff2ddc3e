"""The options of all commands that serve."""

from __future__ import annotations

import argparse

from zc.generationalset.commands import logs, number

PORT = 8080


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands that run for long."""
    parser.add_argument(
        '--log-format', choices=logs.FORMATS, default='text',
        help='lines of text, or of JSON objects (default: %(default)s)')
    parser.add_argument(
        '--log-level', choices=logs.LEVELS, default='warning',
        help='with info, a line for each request (default: %(default)s)')


def add_serving(parser: argparse.ArgumentParser) -> None:
    """Add the options of all commands that serve."""
    parser.add_argument(
        '--host', default='127.0.0.1',
        help='the address to listen on (default: %(default)s)')
    parser.add_argument(
        '--port', type=number(0, 65535),
        help=f'0 for any that is free (default: {PORT})')
    parser.add_argument(
        '--token-file', metavar='FILE',
        help='the users: lines with a name and a token')
    parser.add_argument(
        '--streams', type=number(1), default=100, metavar='N',
        help='event streams and long polls that a user, or without users an '
        'address, may have open in a process (default: %(default)s)')
    add_logs(parser)
    parser.add_argument(
        '--origin', metavar='URL', action='append', default=[],
        help='let web pages of this origin use the server; may be repeated')
