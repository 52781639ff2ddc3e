import assert from 'node:assert/strict';
import test from 'node:test';

import { Contents } from '../../static/board/contents.js';
import { removeCard } from '../../static/board/edits.js';

const PATCH = { op: 'patch', path: ['cards', 'a'], item: { rank: 2 } };

const after = (cards) => new Contents(
  { cards: new Map(Object.entries(cards)) }).after([PATCH]);

test('a patch changes members', () => {
  assert.deepEqual(after({ a: { text: 'milk', rank: 1 } }).find('cards', 'a'),
    { text: 'milk', rank: 2 });
});

test('a patch of what somebody has removed shows nothing', () => {
  const contents = after({});
  assert.equal(contents.find('cards', 'a'), undefined);
  // So nobody puts back a card that is not whole.
  const { edit, undo } = removeCard('a');
  assert.deepEqual(edit(contents), []);
  assert.deepEqual(undo(contents), []);
});
