// The examples of the README for Svelte and Vue, as they stand there.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { readable } from 'svelte/store';
import { effectScope, onScopeDispose, shallowRef } from 'vue';

import { snapshot, subscribe } from '../../static/bindings/snapshots.js';
import { following } from './following.js';

const README = await readFile(
  new URL('../../static/README.md', import.meta.url), 'utf-8');

/** Returns what a statement of the README makes of a client. */
function made(client, library, names) {
  const [, code] = README.match(
    new RegExp(`from '${library}';\n\n([^]*?)\`\`\``));
  return new Function('client', 'snapshot', 'subscribe', ...Object.keys(names),
    `${code}; return cards;`)(
    client, snapshot, subscribe, ...Object.values(names));
}

const change = (client, since, item) => client.apply({
  format: 1, epoch: 'e', since, generation: since + 1,
  adds: [{ id: 'cards', adds: [['x', item]] }] });

const start = () => following({ id: 'cards', contents: [['x', 1]] });

test('a store of Svelte', () => {
  const client = start();
  const seen = [];
  const end = made(client, 'svelte/store', { readable }).subscribe(
    cards => seen.push(cards.get('x')));
  change(client, 1, 2);
  end();
  change(client, 2, 3);
  assert.deepEqual(seen, [1, 2]);
});

test('a reference of Vue', () => {
  const client = start();
  const scope = effectScope();
  const cards = scope.run(
    () => made(client, 'vue', { onScopeDispose, shallowRef }));
  change(client, 1, 2);
  assert.equal(cards.value.get('x'), 2);
  scope.stop();
  change(client, 2, 3);
  assert.equal(cards.value.get('x'), 2);
});
