"""What users import has the types of all parameters and results."""

import importlib
import inspect
import unittest

#: Modules with names for users; those without ``__all__`` have what they say
#: in it here.
MODULES = {
    '': None,
    'answers': ['Change', 'Misfit', 'Position', 'SubsetUpdates'],
    'check': ['check'],
    'client': None,
    'client.remote': ['Remote', 'unchanged'],
    'documents': ['Document'],
    'merging': [
        'Change', 'Conflict', 'Merged', 'Owner', 'Priority', 'changes',
        'conflict', 'maximum', 'merge', 'same', 'union'],
    'mirror': None,
    'push': None,
    'push.endpoint': ['routes'],
    'replica': None,
    'server': None,
    'sources': None,
    'sources.zodb': None,
    'sync': None,
    'sql': None,
    'wire': None,
}


def public():
    """Yield the name of each public object, and the object."""
    for name, names in MODULES.items():
        module = importlib.import_module(
            f'zc.generationalset.{name}'.rstrip('.'))
        for each in names or module.__all__:
            yield f'{module.__name__}.{each}', getattr(module, each)


def functions(name, ob):
    """Yield what can be called of an object, if it has code here."""
    if inspect.isfunction(ob):
        yield name, ob
    elif inspect.isclass(ob):
        for each, member in vars(ob).items():
            if not each.startswith('_') or each == '__init__':
                member = getattr(member, '__func__', member)
                member = getattr(member, 'fget', member)
                if inspect.isfunction(member) \
                        and member.__module__.startswith('zc.'):
                    yield f'{name}.{each}', member


def lacking(function):
    """Yield the names of parameters without a type; also ``return``."""
    signature = inspect.signature(function)
    for name, parameter in signature.parameters.items():
        if parameter.annotation is parameter.empty and name not in (
                'self', 'cls'):
            yield name
    if signature.return_annotation is signature.empty:
        yield 'return'


def positional(function):
    """Return the names of parameters that need no name in calls."""
    return [name for name, parameter
            in inspect.signature(function).parameters.items()
            if parameter.kind in (parameter.POSITIONAL_ONLY,
                                  parameter.POSITIONAL_OR_KEYWORD)
            and name not in ('self', 'cls')]


def anything(function):
    """Tell whether a function takes any name that a caller mistypes."""
    return any(parameter.kind == parameter.VAR_KEYWORD
               and not parameter.annotation.startswith('Unpack[')
               for parameter
               in inspect.signature(function).parameters.values())


class TypesTests(unittest.TestCase):

    def setUp(self):
        self.functions = [pair for name, ob in public()
                          for pair in functions(name, ob)]

    def test_all_have_types(self):
        self.assertGreater(len(self.functions), 100)
        self.assertEqual({name: missing for name, function in self.functions
                          if (missing := list(lacking(function)))}, {})

    def test_few_parameters_are_positional(self):
        self.assertEqual({name: names for name, function in self.functions
                          if len(names := positional(function)) > 5}, {})

    def test_options_have_names(self):
        self.assertEqual(
            [name for name, function in self.functions if anything(function)],
            # The members of the JSON, which an application chooses.
            ['zc.generationalset.server.Problem.__init__'])
