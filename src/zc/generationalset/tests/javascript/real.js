/** The real server, which GSET_TEST_PYTHON can run. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { until } from './faulty.js';
import { sorted } from './vectors.js';

const python = process.env.GSET_TEST_PYTHON;
export const options = {
  skip: !python && 'GSET_TEST_PYTHON does not name a Python',
};

/** A process that serves a file. */
export class Server {
  #port = 0;
  #process;
  #environment;

  constructor(file, environment) {
    this.file = file;
    this.#environment = { ...process.env, ...environment };
  }

  static async start(test, environment = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'gset-'));
    const server = new Server(join(folder, 'Data.fs'), environment);
    test.after(async () => {
      await server.kill();
      await rm(folder, { recursive: true });
    });
    await server.run();
    return server;
  }

  async run() {
    this.#process = spawn(python, [
      '-u', '-m', 'zc.generationalset', 'serve', this.file,
      '--port', this.#port], { env: this.#environment });
    let output = '';
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on('data', (data) => {
        output += data;
      });
    }
    const { promise } = this.#exit();
    await until(() => output.includes('http://') || promise.done, 300);
    this.url = /http:\S+/.exec(output)?.[0];
    assert.ok(this.url, output);
    this.#port = new URL(this.url).port;
  }

  #exit() {
    const promise = once(this.#process, 'exit');
    promise.then(() => {
      promise.done = true;
    });
    return { promise };
  }

  async kill() {
    if (this.#process.exitCode === null && !this.#process.signalCode) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
  }

  async contents() {
    const response = await fetch(`${this.url}/updates`);
    return sorted((await response.json()).contents);
  }
}
