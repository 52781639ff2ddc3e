/**
 * A tree of sets that answers as a server does: the smallest thing that
 * forgets removals, nests, and replaces subsets by others of the same id.
 */

const REMEMBERED = 2; // removals of a set

class Node {
  born;
  floor = 0;
  removals = new Map(); // key -> generation, the oldest first
  entries = new Map(); // key -> {id, generation, item or node}

  constructor(born) {
    this.born = born;
  }
}

export class Model {
  generation = 1;
  root = new Node(0);
  states = new Map(); // "epoch generation" -> what a client has then
  #epochs = 1;

  constructor() {
    this.#note();
  }

  get epoch() {
    return `epoch-${this.#epochs}`;
  }

  renew() {
    this.#epochs += 1;
    this.#note();
  }

  /** Puts an item, or without one an empty subset. */
  put(path, id, item) {
    const node = this.#change(path);
    const key = JSON.stringify(id);
    if (node === undefined) {
      return;
    }
    const { generation } = this;
    node.removals.delete(key);
    node.entries.delete(key);
    node.entries.set(key, item === undefined ?
      { id, generation, node: new Node(generation) } :
      { id, generation, item });
    this.#note();
  }

  remove(path, id) {
    const key = JSON.stringify(id);
    if (!this.#find(path)?.entries.has(key)) {
      return;
    }
    const node = this.#change(path);
    node.entries.delete(key);
    node.removals.set(key, this.generation);
    if (node.removals.size > REMEMBERED) {
      const [[oldest, generation]] = node.removals;
      node.removals.delete(oldest);
      node.floor = generation;
    }
    this.#note();
  }

  #find(path) {
    return path.reduce((node, id) =>
      node?.entries.get(JSON.stringify(id))?.node, this.root);
  }

  /** Gives a new generation to all on the way; returns the set. */
  #change(path) {
    if (this.#find(path) === undefined) {
      return undefined;
    }
    this.generation += 1;
    return path.reduce(({ entries }, id) => {
      const key = JSON.stringify(id);
      const entry = entries.get(key);
      entries.delete(key);
      entries.set(key, { ...entry, generation: this.generation });
      return entry.node;
    }, this.root);
  }

  #note() {
    this.states.set(
      `${this.epoch} ${this.generation}`, contents(this.root));
  }

  /** The answer to a question; with a reason, to start over. */
  answer({ epoch, generation: since }, reason) {
    const head = {
      format: 1, epoch: this.epoch, since, generation: this.generation,
    };
    if (since === 0) {
      return { ...head, contents: contents(this.root) };
    }
    if (epoch !== this.epoch || reason) {
      return {
        ...head, since_epoch: epoch, reset: reason ?? 'epoch',
        contents: contents(this.root),
      };
    }
    return { ...head, ...level(this.root, since) };
  }
}

const contents = (node) => [...node.entries.values()].map(
  ({ id, item, node }) => node ? { id, contents: contents(node) } :
    [id, item]);

function level(node, since) {
  if (since < node.born) {
    return { contents: contents(node) };
  }
  if (since < node.floor) {
    const keep = [...node.entries.values()].filter(
      ({ generation }) => generation <= since).map(({ id }) => id);
    return {
      contents: changed(node, since, since), ...keep.length && { keep } };
  }
  const keys = [...node.removals].filter(
    ([, generation]) => generation > since);
  const adds = changed(node, since, since);
  return {
    ...keys.length && { removals: keys.map(([key]) => JSON.parse(key)) },
    ...adds.length && { adds },
  };
}

const changed = (node, after, since) => [...node.entries.values()]
  .filter(({ generation }) => generation > after)
  .map(({ id, item, node }) => node ? { id, ...level(node, since) } :
    [id, item]);
