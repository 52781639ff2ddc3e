import assert from 'node:assert/strict';
import test from 'node:test';

import { Contents } from '../../static/board/contents.js';
import {
  Gone, moveCard, moveColumn, removeCard, saveCard,
} from '../../static/board/edits.js';

const contents = (cards) => new Contents({
  cards: new Map(Object.entries(cards)), columns: new Map([['c', {}]]) });

test('what somebody has removed', () => {
  const card = { id: 'a', item: { text: 'milk', column: 'c' } };
  assert.deepEqual(removeCard('a')(contents({})), []);
  assert.throws(() => moveCard('a', 'c')(contents({}), {}), Gone);
  const [{ op, item }] = saveCard(card, 'tea', undefined, [])(
    contents({}), {});
  assert.deepEqual([op, item], ['put', { text: 'tea', column: 'c' }]);
});

test('whoever has written last, only a text is not written over', () => {
  const card = { id: 'a', item: { text: 'milk', column: 'c', rank: 1 } };
  const there = contents({ a: card.item });
  const [saved] = saveCard(card, 'tea', undefined, [])(there, { by: 'me' });
  assert.deepEqual(saved.over, ['by']);
  const [moved] = moveColumn('c')(there);
  assert.deepEqual(moved.over, Object.keys(moved.item));
});
