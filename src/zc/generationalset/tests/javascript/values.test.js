/** Values that a server might choose to be slow. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { decode } from '../../static/gset.js';

const answer = (item) => JSON.stringify({
  format: 1, epoch: 'e', since: 0, generation: 2, contents: [['a', item]] });

/** Seconds, the least of some. */
function seconds(text) {
  return Math.min(...Array.from({ length: 5 }, () => {
    const began = performance.now();
    decode(text);
    return (performance.now() - began) / 1000;
  }));
}

test('long decimals take linear time', () => {
  const digits = 200_000;
  for (const decimal of [
    `1${'0'.repeat(digits)}E5`, `1.${'0'.repeat(digits)}1`,
    `1.${'0'.repeat(digits)}`, `1${'0'.repeat(digits)}.5E5`]) {
    // With a pattern that goes back it took minutes.
    assert.ok(seconds(answer({ $set: [{ $decimal: decimal }] })) < 5);
  }
});

test('equal decimals are one element', () => {
  const check = (...decimals) => decode(answer(
    { $set: decimals.map(($decimal) => ({ $decimal })) }));
  for (const equal of [['1', '1.0'], ['1.50', '1.5'], ['10', '10.00'],
    ['0', '0.0']]) {
    assert.throws(() => check(...equal), TypeError, equal.join());
  }
  for (const others of [['1', '10'], ['1.5', '1.05'], ['1E5', '1.0E5'],
    ['100', '1']]) {
    check(...others);
  }
});
