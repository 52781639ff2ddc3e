"""Counters for Prometheus.

If the environment has ``PROMETHEUS_MULTIPROC_DIR``, several processes count in
files of that directory, and each reports the sums of all.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

#: The environment variable of prometheus_client.
DIRECTORY = 'PROMETHEUS_MULTIPROC_DIR'
#: Limits of the histogram of seconds until a response begins.
BUCKETS = (.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of an application."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            'gset_requests', 'Responses that have begun',
            ['method', 'route', 'status'], registry=registry)
        self.seconds = Histogram(
            'gset_response_seconds', 'Time until a response begins; long '
            'polls wait on purpose', ['route'], buckets=BUCKETS,
            registry=registry)
        self.sent = Counter(
            'gset_sent_bytes', 'Bytes of bodies', ['route'],
            registry=registry)
        self.streams = Gauge(
            'gset_streams', 'Open event streams', registry=registry,
            multiprocess_mode='livesum')
        self.polls = Gauge(
            'gset_long_polls', 'Requests that wait for a change',
            registry=registry, multiprocess_mode='livesum')
        self.events = Counter(
            'gset_events', 'Events pushed to streams', registry=registry)
        self.answers = Counter(
            'gset_answers', 'Answers given: made for it, or shared with '
            'others', ['how'], registry=registry)
        self.conflicts = Counter(
            'gset_conflicts', 'Changes that were tried again',
            registry=registry)
        self.wakeups = Counter(
            'gset_wakeups', 'Bursts of commits that were heard of',
            registry=registry)
        self.generation = Gauge(
            'gset_generation', 'Generation of the tree, if there is only one',
            registry=registry, multiprocess_mode='livemax')
        self.made = self.answers.labels('made')
        self.shared = self.answers.labels('shared')
        self._of_responses: dict[
            tuple[str, str, int], tuple[Counter, Histogram, Counter]] = {}

    def of_responses(
            self, method: str, route: str, status: int,
    ) -> tuple[Counter, Histogram, Counter]:
        """Return what counts such responses, their seconds, and their bytes.

        Looked up once, because that takes longer than to count.
        """
        key = method, route, status
        found = self._of_responses.get(key)
        if found is None:
            found = self._of_responses[key] = (
                self.requests.labels(*key), self.seconds.labels(route),
                self.sent.labels(route))
        return found

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        registry = self._registry
        if DIRECTORY in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(  # type: ignore[no-untyped-call]
                registry)
        return generate_latest(registry)
