/** Tabs, with channels and locks of this test. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Tabs } from '../../static/gset/tabs.js';
import { provide } from './browser.js';
import { until } from './faulty.js';

const forever = () => new Promise(() => {});

function joined(test, member = {}) {
  const channel = { postMessage() {}, close() {} };
  provide(test, 'navigator', { locks: { request: forever } });
  provide(test, 'BroadcastChannel', function () {
    return channel;
  });
  const tabs = new Tabs('things', 15, {
    isRunning: false, run: forever, stop() {} }, {
    hear: async () => {}, fail() {}, ...member });
  tabs.join();
  test.after(() => tabs.leave());
  return { tabs, channel };
}

test('a tab knows whether another one is seen', (test) => {
  const { tabs, channel } = joined(test);
  assert.ok(!tabs.isSeen);
  channel.onmessage({ data: { wake: false, seen: false } });
  assert.ok(!tabs.isSeen);
  channel.onmessage({ data: { wake: false, seen: true } });
  assert.ok(tabs.isSeen);
});

test('what arrives after a tab has left is not heard', async (test) => {
  const heard = [];
  const { tabs, channel } = joined(test, {
    hear: async (message) => heard.push(message) });
  channel.onmessage({ data: { wake: true } });
  await until(() => heard.length === 1);
  tabs.leave();
  channel.onmessage({ data: { wake: true } });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard.length, 1);
  tabs.post({ wake: true }); // to nobody
});
