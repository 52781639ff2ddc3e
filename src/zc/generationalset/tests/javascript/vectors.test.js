import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import * as gset from '../../static/gset.js';
import * as vectors from './vectors.js';

for (const [name, check, count] of [
  ['values', vectors.values, 300],
  ['ids', vectors.ids, 150],
  ['apply', vectors.answers, 50],
]) {
  test(`vectors: ${name}.json`, () => {
    const file = new URL(`../vectors/${name}.json`, import.meta.url);
    const { cases } = JSON.parse(readFileSync(file));
    assert.ok(cases.length > count);
    assert.deepEqual(check(gset, cases), []);
  });
}
