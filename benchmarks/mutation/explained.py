"""Mutations that tests can't or needn't notice, and why."""

#: Module, line and operator -> why it makes no difference.
EXPLAINED: dict[tuple[str, str, str], str] = {
    ('sets.journal', 'KEEP = 10', 'NumberReplacer'):
        'Chosen for speed; a test could only repeat the number.',
    ('sets.members',
     'return max(facts.joined(member) or 0 for member in chain(gset))',
     'NumberReplacer'):
        'No client has a generation below 1.',
    ('sets.set', 'since = max(minimum_generation, 0) - 1', 'NumberReplacer'):
        'No object has a generation below 2.',
    ('sets.updates', 'break', 'ReplaceBreakWithContinue'):
        'What follows is older still; it only takes longer.',
    ('sets.updates', 'born = max(born, facts.joined(subset) or 0)',
     'NumberReplacer'):
        'A set lists only subsets that have joined it.',
    ('sets.view', 'return 0, 0  # nothing was ever forgotten',
     'NumberReplacer'):
        'Where the floor is 0, nobody looks at the oldest removal.',
}
