"""Whole systems with faults, under load: in the end all of it is equal.

``world`` has a system: storage, server, mirror, ``authors`` who write and
know what must be there, an ``audience`` of replicas.  ``faults`` are what is
done to it.  system/test_campaign.py does each of them a few times, and
benchmarks/faults often.
"""
