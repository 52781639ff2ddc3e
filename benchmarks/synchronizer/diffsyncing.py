"""One run of diffsync, in a process of its own.

    python -m benchmarks.synchronizer.diffsyncing CHANGED COUNT

Both sides are made in memory; then what differs goes from one to the other.
Prints JSON: the figures without those of making them.
"""

import json
import logging
import sys

import structlog
from benchmarks.synchronizer.items import changed, item
from benchmarks.synchronizer.resources import Measured
from diffsync import Adapter, DiffSyncModel


class Issue(DiffSyncModel):
    _modelname = 'issue'
    _identifiers = ('title',)
    _attributes = ('state', 'owner', 'text')
    title: str
    state: str
    owner: str
    text: str


class Side(Adapter):
    issue = Issue
    top_level = ('issue',)

    def load(self, count, different):
        for number in range(count):
            self.add(Issue(**(changed if number < different else item)(
                number)))


def main(different, count):
    # It would log each item.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(
        logging.CRITICAL))
    one, two = Side(), Side()
    with Measured() as loading:
        one.load(int(count), int(different))
        two.load(int(count), 0)
    with Measured() as measured:
        one.sync_to(two)
    print(json.dumps({**measured.figures,
                      'loading': loading.figures['processor']}))


if __name__ == '__main__':
    main(*sys.argv[1:])
