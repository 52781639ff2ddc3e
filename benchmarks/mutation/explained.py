"""Mutations that tests can't or needn't notice, and why."""

#: Module, line and operator -> why it makes no difference.
EXPLAINED: dict[tuple[str, str, str], str] = {
    ('sets.set', 'since = max(minimum_generation, 0) - 1', 'NumberReplacer'):
        'No object has a generation below 2.',
    ('sets.updates', 'break', 'ReplaceBreakWithContinue'):
        'What follows is older still; it only takes longer.',
    ('sets.view', 'return 0, 0  # nothing was ever forgotten',
     'NumberReplacer'):
        'Where the floor is 0, nobody looks at the oldest removal.',
}
