"""Logs that tests expect."""

import logging

LOGGER = 'zc.generationalset.server'

class Mute(logging.Handler):
    """Collects what is logged, instead of printing it."""

    def __init__(self, name):
        super().__init__(logging.ERROR)
        self.logger = logging.getLogger(name)
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def __enter__(self):
        self.logger.addHandler(self)
        self.propagated = self.logger.propagate
        self.logger.propagate = False
        return self

    def __exit__(self, *error):
        self.logger.removeHandler(self)
        self.logger.propagate = self.propagated
