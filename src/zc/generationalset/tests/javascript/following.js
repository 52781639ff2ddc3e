import { decode, Replica } from '../../static/gset.js';

/** What snapshots need of a client. */
export class Following extends EventTarget {
  #replica = new Replica();

  get items() { return this.#replica.items; }
  get position() { return this.#replica; }

  apply(answer) {
    const changes = this.#replica.apply(decode(JSON.stringify(answer)));
    this.dispatchEvent(new CustomEvent('updates', { detail: { changes } }));
  }
}

/** Returns a client that has these contents. */
export function following(...contents) {
  const client = new Following();
  client.apply({ format: 1, epoch: 'e', since: 0, generation: 1, contents });
  return client;
}
