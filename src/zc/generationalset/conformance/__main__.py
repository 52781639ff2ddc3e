"""``python -m zc.generationalset.conformance URL``."""

from __future__ import annotations

import argparse
import sys

from zc.generationalset.conformance.trial import Untried, trial

DESCRIPTION = '''\
Tries whether a server keeps the protocol of docs/protocol.txt.

It makes a set with a random name at the top of the tree, writes there, reads,
and listens; in the end it removes the set.  So it needs to write.  Others may
write meanwhile, but not to that set.

Each line of the output is a check: "ok", or "FAILED" with what the protocol
says, and what came.  The exit code is 0 if all is well, 1 if a check failed,
and 2 if the server can't be tried at all.

examples:
  python -m zc.generationalset.conformance http://127.0.0.1:8080
  python -m zc.generationalset.conformance https://example.org/sync --token X
'''


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog='python -m zc.generationalset.conformance',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('url', metavar='URL', help='of the server')
    parser.add_argument('--token', help='the bearer token, if it wants one')
    options = parser.parse_args(arguments)
    try:
        failed = sum([print(line) or line.startswith('FAILED')
                      for line in trial(options.url, options.token)])
    except Untried as error:
        print(f'can not be tried: {error}', file=sys.stderr)
        return 2
    print(f'{failed} checks failed' if failed else 'all is well')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
