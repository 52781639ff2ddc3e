// What is measured in a window, of whatever keeps its items.

const list = document.querySelector('ul');
const rows = new Map(); // id -> element
const times = { started: {}, done: {}, seen: {} }; // by mark
const waiting = new Map(); // mark -> function
let shows = false;
let offset; // from performance.now() to the clock that all windows share
let last = 0; // when something changed

const now = () => performance.now() + offset;

const until = time => new Promise(
  resolve => setTimeout(resolve, time - now()));

// `timeOrigin` of two processes may differ by what the system's clock was
// corrected meanwhile, so its ticks are looked at now.
function setClock() {
  const differences = Array.from({ length: 9 }, () => {
    const start = Date.now();
    let tick = start;
    while (tick === start) {
      tick = Date.now();
    }
    return tick - performance.now();
  });
  offset = differences.sort((one, other) => one - other)[4];
}

function changed(id, item) {
  if (!shows) {
    return;
  }
  last = now();
  let row = rows.get(id);
  if (item === undefined) {
    row?.remove();
    rows.delete(id);
    return;
  }
  if (!row) {
    row = document.createElement('li');
    rows.set(id, row);
    list.append(row);
  }
  row.textContent = item.mark;
}

// When a text is in the document: what is seen comes with the next frame.
new MutationObserver(records => {
  const time = now();
  for (const { target } of records) {
    const mark = target !== list && target.textContent;
    if (mark && !(mark in times.seen)) {
      times.seen[mark] = time;
      waiting.get(mark)?.();
    }
  }
}).observe(list, { childList: true, subtree: true });

export function measure(store) {
  const opened = store.open(changed).then(() => performance.now());
  let paced;
  let worked;

  async function write([id, item]) {
    times.started[item.mark] = now();
    await store.put(id, item);
    times.done[item.mark] = now();
  }

  async function work(pairs) {
    const start = now();
    for (const [id, item] of pairs) {
      await (item ? store.put(id, item) : store.remove(id));
    }
    return { start, end: now() };
  }

  window.bench = {
    // Milliseconds from the start of navigation until all could be shown.
    async usable(count) {
      const time = await opened;
      if (store.size !== count) {
        throw new Error(`expected ${count} items, got ${store.size}`);
      }
      return time;
    },

    // The same until it was known to be what the server has.
    async current() {
      await opened;
      await store.current();
      return performance.now();
    },

    // Shows changes from now on.
    show() {
      setClock();
      shows = true;
    },

    now,
    write,

    async seen(marks) {
      await Promise.all(marks.map(mark => mark in times.seen ||
        new Promise(resolve => waiting.set(mark, resolve))));
    },

    times() { return times; },

    // Starts writes, one each so many milliseconds.
    startPace(pairs, start, step) {
      paced = Promise.all(pairs.map(async (pair, number) => {
        await until(start + number * step);
        await write(pair);
      }));
    },

    async paced() { await paced; },

    // Starts writes and removals, one after the other.
    startWork(pairs) { worked = work(pairs); },

    async worked() { return await worked; },

    last() { return last; },
    state() { return store.state(); },
  };
}
