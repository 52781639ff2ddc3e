"""Mutations of the package's sources, by cosmic-ray."""

import ast
import random
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

SOURCE = Path(__file__).resolve().parents[2] / 'src'
PACKAGE = SOURCE / 'zc/generationalset'
#: The modules and packages that are mutated.
MUTATED = 'answers', 'updates', 'replica', 'sets', 'wire'


class Mutation(NamedTuple):
    """A source, and its mutated text."""

    path: Path
    operator: str
    occurrence: int
    first: int  # line
    last: int
    code: str

    @property
    def module(self):
        return '.'.join(self.path.relative_to(SOURCE).with_suffix('').parts)

    @property
    def name(self):
        """Names the mutation as long as the line stays as it is."""
        line = self.path.read_text().splitlines()[self.first - 1].strip()
        return self.module.removeprefix('zc.generationalset.'), line, \
            self.operator.removeprefix('core/')


def sample(count, seed):
    """Return a mutation for each of some places, chosen at random."""
    chance = random.Random(seed)
    places = [place for path in _sources() for place in _places(path)]
    mutations = [_mutation(chance, *place) for place in chance.sample(
        places, min(count, len(places)))]
    return [mutation for mutation in mutations if mutation is not None]


def _sources():
    for name in MUTATED:
        path = PACKAGE / name
        yield from (sorted(path.glob('*.py')) if path.is_dir()
                    else [path.with_suffix('.py')])


def _places(path):
    """Return pairs of the path and the mutations there, one per place."""
    source = path.read_text()
    nodes = list(ast_nodes(get_ast(source)))
    places = {}
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if kind.arguments():
            continue  # these need configured names
        operator = kind()
        spans = [span for node in nodes
                 for span in operator.mutation_positions(node)]
        for occurrence, span in enumerate(spans):
            if name != 'core/NoOp':
                places.setdefault(span, []).append((name, occurrence))
    ignored = list(_ignored(source))
    return [(path, span, found) for span, found in sorted(places.items())
            if not any(start <= span[0] < end for start, end in ignored)]


def _mutation(chance, path, span, found):
    name, occurrence = chance.choice(found)
    try:
        code = mutate_code(path.read_text(), get_operator(name)(), occurrence)
    except AttributeError:  # of cosmic-ray, at ``except (module.Error, ...)``
        return None
    return Mutation(path, name, occurrence, span[0][0], span[1][0], code)


def _ignored(source):
    """Yield the spans of annotations, and of imports for them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.dump(node.test):
            yield _span(node)
        for name in 'annotation', 'returns':
            annotation = getattr(node, name, None)
            if annotation is not None:
                yield _span(annotation)


def _span(node):
    return ((node.lineno, node.col_offset),
            (node.end_lineno, node.end_col_offset))
