import { element } from '../explore/elements.js';
import { shown } from './values.js';
import { Decision } from './decision.js';

/** Returns the content of an entry: what is held, and how to end that. */
export function held(id, item, post) {
  const decision = new Decision(post, id);
  if (item.kind === 'deletions') {
    decision.add(
      sample(item.ids),
      decision.button('Let these go', () => ({
        decision: 'release', id, digest: item.digest })));
  } else if (item.kind === 'unmatched') {
    decision.add(decision.button('It is a new item', () => ({
      decision: 'match', id })));
  }
  return [element('h3', '', id), element('p', '', item.reason),
          decision.node];
}

function sample(ids) {
  const list = element('ul', 'ids');
  list.setAttribute('aria-label', 'Some of them');
  list.append(...ids.map((id) => element('li', '', shown(JSON.parse(id)))));
  return list;
}
