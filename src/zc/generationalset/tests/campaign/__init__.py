"""Whole systems with faults, under load: in the end everything is equal.

``world`` has a system: storage, server, mirror, ``authors`` who write and know
what must be there, and an ``audience`` of replicas.  ``faults`` has the
faults. system/test_campaign.py runs each fault a few times, and
benchmarks/faults often.
"""
