"""Mutations that tests can't or needn't notice, and why."""

#: Module, line and operator -> why it makes no difference.
EXPLAINED: dict[tuple[str, str, str], str] = {
    ('replica.sqlite_file', '@cache', 'RemoveDecorator'):
        'It only takes longer.',
    ('replica.sqlite_items', '_PAGE = 100', 'NumberReplacer'):
        'Chosen for speed; the result is the same.',
    ('sets.base', 'UNKNOWN = -1', 'ReplaceUnaryOperator_USub_Invert'):
        'Any number below 0 will do; sets do not store it.',
    ('sets.journal', 'KEEP = 10', 'NumberReplacer'):
        'Chosen for speed; a test could only repeat the number.',
    ('sets.journal', 'MAXIMUM_BYTES = 8192', 'NumberReplacer'):
        'Chosen for speed, too.',
    ('sets.members',
     'return max(facts.joined(member) or 0 for member in chain(gset))',
     'NumberReplacer'):
        'No client has a generation below 1.',
    ('sets.pages', 'LOOKED_AT = 50_000', 'NumberReplacer'):
        'Chosen for speed, too.',
    ('sets.pages', 'born = members.born(gset) if path else 0', 'AddNot'):
        'Who asks with an earlier generation gets a reset, which lists all.',
    ('sets.pages', 'born = members.born(gset) if path else 0',
     'NumberReplacer'):
        'The generation 0 is before everything, as -1 is.',
    ('sets.pages',
     "members.tree_index(gset, root), 0 if 'reset' in answer else since,",
     'NumberReplacer'):
        'The generation 0 is before everything, as -1 is.',
    ('sets.pages', 'born = max(born, facts.joined(subset) or 0)',
     'NumberReplacer'):
        'No client has a generation below 1.',
    ('sets.pages',
     'return (place[0] == name and len(place) % 3 == 1 and len(place) > 1',
     'NumberReplacer'):
        'The least length beyond 1 is 4.',
    ('sets.pages', 'if len(rest) > 3:', 'NumberReplacer'):
        'The next length is 6.',
    ('sets.set', 'since = max(minimum_generation, 0) - 1', 'NumberReplacer'):
        'No object has a generation below 2.',
    ('sets.updates', 'break', 'ReplaceBreakWithContinue'):
        'What follows is older still; it only takes longer.',
    ('sets.updates', 'born = max(born, facts.joined(subset) or 0)',
     'NumberReplacer'):
        'A set lists only subsets that have joined it.',
    ('sets.updates', 'return 0, MISSING  # no set with these ids can have it',
     'NumberReplacer'):
        'The generation 0 is before everything, as -1 is.',
    ('sets.view', 'return 0, 0  # nothing was ever forgotten',
     'NumberReplacer'):
        'Where the floor is 0, nobody looks at the oldest removal.',
    ('wire.jsontext', '_BLOCK = 2 ** 20', 'NumberReplacer'):
        'Chosen for memory; the result is the same.',
    ('wire.jsontext', '_STEP = 2 ** 16', 'NumberReplacer'):
        'Chosen for memory; the result is the same.',
    ('wire.jsontext', '_STEP = 2 ** 16', 'ReplaceBinaryOperator_Pow_Add'):
        'Chosen for memory; the result is the same.',
}
