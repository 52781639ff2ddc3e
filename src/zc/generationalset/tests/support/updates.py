"""Answers of sets, with lists."""

from zc.generationalset.answers import MEMBERS


def lists(updates):
    """Return updates with lists instead of iterables."""
    return {
        key: [lists(entry) if isinstance(entry, dict) else entry
              for entry in value] if key in MEMBERS else value
        for key, value in updates.items()}


def answer(gset, generation, epoch=None, **options):
    return lists(gset.client_updates(generation, epoch, **options))
