"""``python -m zc.generationalset.conformance URL``."""

from __future__ import annotations

import argparse
import sys

from zc.generationalset.client.tokens import read_token
from zc.generationalset.conformance.trial import Untried, trial

DESCRIPTION = '''\
Tries whether a server keeps the protocol of docs/protocol.txt.

It makes a set with a random name at the top of the tree, writes there, reads,
and listens; in the end it removes the set.  So it needs to write.  Others may
write meanwhile, but not to that set.

Each line of the output is a check: "ok", or "FAILED" with what the protocol
says, and what came, or "skipped" if the server says that it has no PATCH.  The
exit code is 0 if all is well, 1 if a check failed, and 2 if the server can't
be tried at all.

examples:
  python -m zc.generationalset.conformance http://127.0.0.1:8080
  GSET_TOKEN=... python -m zc.generationalset.conformance https://example.org

If the server wants a token, it is in the environment variable GSET_TOKEN, or
alone in a file, --token-file.
'''


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog='python -m zc.generationalset.conformance',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('url', metavar='URL', help='of the server')
    parser.add_argument('--token-file', metavar='FILE',
                        help='a file with the token, and nothing else')
    options = parser.parse_args(arguments)
    try:
        failed = sum([print(line) or line.startswith('FAILED')
                      for line in trial(
                          options.url, read_token(options.token_file))])
    except (OSError, ValueError, Untried) as error:
        print(f'can not be tried: {error}', file=sys.stderr)
        return 2
    print(f'{failed} checks failed' if failed else 'all is well')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
