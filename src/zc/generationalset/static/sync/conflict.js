import { element } from '../explore/elements.js';
import { shown } from './values.js';
import { Decision } from './decision.js';

const LONG = 'textarea';
let count = 0; // for ids of fields

/** Returns the content of a conflict's entry: its sides, and the choice. */
export function conflict(id, item, post) {
  const about = `${item.type} ${item.name.map(shown).join(' ')}: ${
    item.field}`;
  const decision = new Decision(post, about);
  const decide = (more) => ({
    decision: 'resolve', id, digest: item.digest, ...more });
  const sides = element('dl', 'sides');
  const add = (store, value, nothing = '') => sides.append(element(
    'div', '', element('dt', '', store),
    element('dd', nothing, value),
    element('dd', 'choice', decision.button(
      `Take that of ${store}`, () => decide({ store })))));
  Object.entries(item.sides).forEach(
    ([store, value]) => add(store, shown(value)));
  item.cleared.forEach((store) => add(store, 'nothing', 'hint'));
  decision.add(sides);
  if (!item.kind.startsWith('ref:')) {
    decision.add(other(item, decision, decide));
  }
  return [element('h3', '', about), ...before(item), decision.node];
}

function before(item) {
  return 'agreed' in item ? [element(
    'p', 'hint', 'Before, it was ', element('q', '', shown(item.agreed)))]
    : [];
}

/** Returns a form for another value. */
function other(item, decision, decide) {
  const field = input(item);
  count += 1;
  field.id = `value-${count}`;
  const label = element('label', '', 'Another value');
  label.htmlFor = field.id;
  label.append(element('span', 'unseen', ` (${decision.about})`));
  const form = element('form', 'other', label, field,
    decision.button('Use it', () => decide({ text: field.value })),
    decision.button('Empty the field', () => decide({ clear: true })));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    decision.make(decide({ text: field.value }));
  });
  return form;
}

function input({ kind }) {
  if (kind.startsWith('enum:')) {
    const select = element('select');
    for (const each of kind.slice('enum:'.length).split(',')) {
      select.append(element('option', '', each));
    }
    return select;
  }
  const field = element(kind === 'str' || kind === 'json' ? LONG : 'input');
  field.placeholder = kind === 'str' ? '' : kind;
  return field;
}
