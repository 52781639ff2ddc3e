import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import * as answers from '../../static/gset/answers.js';
import * as gset from '../../static/gset.js';
import * as vectors from './vectors.js';

for (const [name, check, count, module] of [
  ['values', vectors.values, 300, gset],
  ['ids', vectors.ids, 150, gset],
  ['positions', vectors.positions, 15, answers],
  ['apply', vectors.answers, 50, gset],
  ['parts', vectors.answers, 25, gset],
  ['pages', vectors.answers, 20, gset],
]) {
  test(`vectors: ${name}.json`, () => {
    const file = new URL(`../vectors/${name}.json`, import.meta.url);
    const { cases } = JSON.parse(readFileSync(file));
    assert.ok(cases.length > count);
    assert.deepEqual(check(module, cases), []);
  });
}
