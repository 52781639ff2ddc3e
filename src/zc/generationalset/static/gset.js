// A client of docs/protocol.txt; gset.d.ts says how to use it.

// Values and ids: checked, and kept as JSON.

const DEPTH = 200; // levels, so that recursion is safe

function refuse(expected, got) {
  const shown = JSON.stringify(got)?.slice(0, 99);
  throw new TypeError(`expected ${expected}, got ${shown}`);
}

const isObject = value =>
  Object.prototype.toString.call(value) === '[object Object]';

// `isFixed`: no arrays and objects, as in sets.
function check(value, depth = 0, isFixed = false) {
  if (typeof value === 'string') {
    value.isWellFormed() || refuse('well-formed text', value);
  } else if (typeof value === 'number') {
    Math.abs(value) < 2 ** 53 || refuse('a number within ±(2^53 - 1)', value);
  } else if (depth > DEPTH) {
    refuse(`at most ${DEPTH} levels`, 'more');
  } else if (isObject(value)) {
    const names = Object.keys(value);
    const isRight = names.length === 1 && KINDS[names[0]];
    (isRight ? isRight(value[names[0]], depth + 1, isFixed) :
      !isFixed && checkMembers(value, depth)) ||
      refuse('a value as in the protocol', value);
  } else if (value !== null && typeof value !== 'boolean') {
    !isFixed && isArray(value, depth) || refuse('a JSON value', typeof value);
  }
  return true;
}

const checkMembers = (object, depth) => Object.keys(object).every(
  name => check(name) && check(object[name], depth + 1));
const isArray = (value, depth, isFixed) => Array.isArray(value) &&
  value.every(element => check(element, depth + 1, isFixed));
const isText = (pattern, test = () => true) => text =>
  typeof text === 'string' && pattern.test(text) && test(text);
const isBeyond = text => Math.abs(text) >= 2 ** 53;

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?0*\d{1,18})?$/;
const TIME = /^.{19}(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?$/;

function isTime(text) {
  const seconds = text.slice(0, 19);
  const date = new Date(`${seconds}Z`);
  return TIME.test(text) && text >= '0001' &&
    date.toISOString().startsWith(seconds);
}

// What may be in extended values.
const KINDS = {
  __proto__: null,
  $int: isText(/^-?[1-9]\d{0,4299}$/, isBeyond),
  $float: isText(/^/, text => /^(nan|-?inf)$/.test(text) ||
    NUMBER.test(text) && isBeyond(text) && isFinite(text)),
  $decimal: isText(NUMBER),
  $bytes: isText(/^/, text => btoa(atob(text)) === text),
  $datetime: isText(/^/, isTime),
  $date: isText(/^.{10}$/, text => isTime(`${text}T00:00:00`)),
  $time: isText(/^[\d:.]*$/, text => isTime(`2000-01-01T${text}`)),
  $timedelta: parts => Array.isArray(parts) && parts.length === 3 &&
    parts.every(Number.isInteger) && Math.abs(parts[0]) < 1e9 &&
    parts[1] >= 0 && parts[1] < 86400 && parts[2] >= 0 && parts[2] < 1e6,
  $uuid: isText(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
  $tuple: isArray,
  $set: (list, depth) => isArray(list, depth, true) && new Set(
    list.map(value => JSON.stringify(value).replace( // 1.0 is 1
      /("\$decimal":"-?\d+(\.\d*[1-9])?)\.?0*"/g, '$1"')),
  ).size === list.length,
  $map: (pairs, depth, isFixed) => !isFixed && isArray(pairs, depth) &&
    pairs.every(pair => Array.isArray(pair) && pair.length === 2) &&
    KINDS.$set(pairs.map(pair => pair[0]), depth),
  $object: (object, depth, isFixed) =>
    !isFixed && isObject(object) && checkMembers(object, depth),
};

// Equal ids have one form.
const IDS = {
  __proto__: null,
  $int: () => true,
  $bytes: () => true,
  $date: () => true,
  $uuid: () => true,
  $datetime: isText(/^.{19}(\.(?!0{6})\d{6})?(\+00:00)?$/),
  $decimal: isText(
    /^-?((0\.(?!0{6})|[1-9]\d*\.)\d*[1-9]|[1-9](\.\d*[1-9])?E-([7-9]|\d\d+))$/,
    // No double equals it.
    text => Number(text).toFixed(100).replace(/0+$/, '') !== text),
  $tuple: ids => ids.every(keyOf),
};

function keyOf(id) {
  check(id);
  if (typeof id !== 'string' && typeof id !== 'number') {
    const names = isObject(id) ? Object.keys(id) : [];
    names.length === 1 && IDS[names[0]]?.(id[names[0]]) || refuse('an id', id);
  }
  return JSON.stringify(id);
}

// Answers.

export const decode = text => checkAnswer(JSON.parse(text));

function checkAnswer(answer) {
  const {format, epoch, since, generation, since_epoch: before = null,
    reset, contents} = answer ?? {};
  format === 1 && [since, generation].every(Number.isSafeInteger) &&
    since >= 0 && generation > 0 && [epoch, before, reset ?? ''].every(
    text => text === null || typeof text === 'string') &&
    (reset === undefined ? generation >= since : contents) ||
    refuse('an answer as in the protocol', answer);
  check([epoch, before, reset ?? null]);
  checkLevel(answer, 0);
  return answer;
}

function checkLevel(level, depth) {
  const {contents = [], removals = [], adds = []} = level;
  [contents, removals, adds].every(Array.isArray) && depth <= DEPTH &&
    !('contents' in level && ('removals' in level || 'adds' in level)) ||
    refuse('an answer as in the protocol', level);
  removals.forEach(keyOf);
  for (const entry of [...contents, ...adds]) {
    keyOf(idOf(entry));
    if (Array.isArray(entry)) {
      entry.length === 2 || refuse('an answer as in the protocol', entry);
      check(entry[1], depth);
    } else {
      checkLevel(entry, depth + 2);
    }
  }
}

const idOf = entry => Array.isArray(entry) ? entry[0] : entry?.id;

const fits = (answer, {epoch, generation}) =>
  answer.since === generation && (generation === 0 || epoch ===
    ('since_epoch' in answer ? answer.since_epoch : answer.epoch));

const covers = (position, {epoch, generation}) =>
  position.epoch === epoch && position.generation >= generation;

// Replicas.

export class Misfit extends Error {
  name = 'Misfit';
}

const update = Symbol('update');

export class Items {
  #entries = new Map(); // key -> [id, item]; changed last, last

  get size() { return this.#entries.size; }
  has(id) { return this.#entries.has(keyOf(id)); }
  get(id) { return this.#entries.get(keyOf(id))?.[1]; }
  entries() { return this.#entries.values(); }
  [Symbol.iterator]() { return this.entries(); }
  * keys() { for (const [id] of this) { yield id; } }
  * values() { for (const [, item] of this) { yield item; } }

  at(path) {
    return asPath(path).reduce((items, id) =>
      items instanceof Items ? items.get(id) : undefined, this);
  }

  // `isReset`: nothing stays, it is only compared with what comes.
  [update]({contents, removals = [], adds}, path, isReset, changes) {
    const listed = contents ?? adds ?? [];
    let gone = removals.map(keyOf);
    if ((contents || isReset) && this.size) {
      const stay = new Set(listed.map(entry => keyOf(idOf(entry))));
      gone = [...this.#entries.keys()].filter(key => !stay.has(key));
    }
    gone.forEach(key => this.#remove(key, path, changes));
    const stale = new Set(isReset ? this.#entries.keys() : []);
    for (const entry of listed) {
      const id = idOf(entry);
      const subset = this.#put(id, entry, path, changes);
      subset?.[update](
        entry, [...path, id], stale.delete(keyOf(id)), changes);
    }
  }

  #remove(key, path, changes) {
    const [id, item] = this.#entries.get(key) ?? [];
    if (this.#entries.delete(key)) {
      changes.push({kind: 'removed', path: [...path, id], item});
    }
  }

  #put(id, entry, path, changes) {
    const key = keyOf(id);
    const isSubset = !Array.isArray(entry);
    let old = this.#entries.get(key)?.[1];
    if (old instanceof Items !== isSubset) {
      this.#remove(key, path, changes);
      old = undefined;
    }
    const item = isSubset ? old ?? new Items() : entry[1];
    if (!isSame(old, item)) {
      const kind = old === undefined ? 'added' : 'changed';
      changes.push({kind, path: [...path, id], item});
    }
    this.#entries.delete(key);
    this.#entries.set(key, [id, item]);
    return isSubset ? item : undefined;
  }
}

const asPath = path => [path].flat();

const isSame = (one, other) => one === other ||
  typeof one === 'object' && typeof other === 'object' && one && other &&
  Array.isArray(one) === Array.isArray(other) &&
  Object.keys(one).length === Object.keys(other).length &&
  Object.keys(one).every(name =>
    Object.hasOwn(other, name) && isSame(one[name], other[name]));

export class Replica {
  epoch = null;
  generation = 0;
  items = new Items();

  apply(answer) {
    if (!fits(answer, this)) {
      throw new Misfit(`expected since ${this.generation}, got ${answer.since}`);
    }
    const changes = [];
    this.items[update](answer, [], 'reset' in answer, changes);
    this.epoch = answer.epoch;
    this.generation = answer.generation;
    return changes;
  }
}

const additions = (items, path) => [...items].flatMap(([id, item]) => [
  {kind: 'added', path: [...path, id], item},
  ...item instanceof Items ? additions(item, [...path, id]) : []]);

const entriesOf = items => Array.from(items, ([id, item]) =>
  item instanceof Items ? {id, contents: entriesOf(item)} : [id, item]);

const whole = ({epoch, generation, items}) =>
  ({format: 1, epoch, since: 0, generation, contents: entriesOf(items)});

// HTTP.  Times are in seconds.

const LIMIT = 2 ** 27; // characters of an answer or event
const PATIENCE = 30; // with silence
const OBEYED = 3600; // of Retry-After, which may be mistaken

export class RequestError extends Error {
  name = 'RequestError';

  constructor(text, members) {
    super(text);
    Object.assign(this, {status: 0, detail: text}, members);
  }
}

// Yields a response, and then its text in pieces.
async function* exchange(url, {signal, patience, ...options}) {
  const abort = new AbortController();
  let timer;
  const heard = async promise => {
    timer = setTimeout(() => abort.abort(Error('silence')), patience * 1000);
    const result = await promise;
    clearTimeout(timer);
    return result;
  };
  try {
    const response = await heard(fetch(url, {...options, cache: 'no-store',
      signal: AbortSignal.any([signal, abort.signal])}));
    yield response;
    const reader = response.body.pipeThrough(
      new TextDecoderStream('utf-8', {fatal: true})).getReader();
    for (let piece; !(piece = await heard(reader.read())).done;) {
      yield piece.value;
    }
  } catch (error) {
    throw new RequestError(`the server was not heard: ${error.message}`);
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

async function joined(pieces) {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    checkLength(text.length);
  }
  return text;
}

const checkLength = length =>
  length <= LIMIT || refuse(`at most ${LIMIT} characters`, length);

// A date is by the clock of the server, which may be another one.
function parseRetryAfter(text, date) {
  const now = Date.parse(date) || Date.now();
  const seconds = text / 1 || (Date.parse(text) - now) / 1000 || 0;
  return Math.min(Math.max(seconds, 0), OBEYED);
}

// Comments, signs of life, are events without type.
export async function* parseEvents(pieces) {
  let line = '';
  let type;
  let data = [];
  let size = 0;
  for await (const piece of pieces) {
    const lines = piece.split('\n');
    lines[0] = line + lines[0];
    line = lines.pop();
    for (const text of lines) {
      const [, name, value] = /^([^:\r]*):? ?(.*?)\r?$/s.exec(text);
      if (name === 'data') {
        data.push(value);
        size += value.length;
      } else if (name === 'event') {
        type = value;
      } else if (text[0] === ':') {
        yield {type: '', data: value};
      } else if (!name) {
        if (data.length) {
          yield {type: type || 'message', data: data.join('\n')};
        }
        type = '';
        data = [];
        size = 0;
      }
    }
    checkLength(size + line.length);
  }
}

// What is stored: answers, and where they lead.  When they are twice as long
// as the first, one replaces all.  So a change writes little, and a start
// reads a few large texts.

async function openStore(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () =>
    request.result.createObjectStore('answers', {autoIncrement: true});
  const db = await result(request);
  db.onversionchange = () => db.close();
  return db;
}

const recordsOf = db => db.transaction(
  'answers', 'readwrite', {durability: 'relaxed'}).objectStore('answers');

const result = request => new Promise((resolve, reject) => {
  request.onsuccess = request.oncomplete = () => resolve(request.result);
  request.onerror = request.onabort = ({target}) => reject(target.error);
});

async function store(db, answer, text, replica) {
  const records = recordsOf(db);
  const put = ({epoch, generation}, text, room) => {
    records.add(text);
    records.put({epoch, generation, room}, 'last');
  };
  const replace = (position, text) => {
    records.clear();
    put(position, text, text.length + 65536);
  };
  const last = 'reset' in answer ? {} :
    await result(records.get('last')) ?? {};
  const room = last.room - text.length;
  if (!answer.since) {
    replace(answer, text);
  } else if (room > 0 && fits(answer, last)) {
    put(answer, text, room);
  } else if (!covers(last, answer)) {
    replace(replica, JSON.stringify(whole(replica)));
  }
  await result(records.transaction);
}

// The client.

const LONGEST = 60; // random delay ...
const SEEN = 5; // ... while a page is visible: somebody waits for it
const HOLD = 25; // of a long poll; proxies give up after 30
const POLLS = 600; // until streams are tried again
const FRUITLESS = 3; // streams in silence, until it's polls

const sleep = (seconds, signal) => new Promise(resolve => {
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, signal.aborted ? 0 : seconds * 1000);
  signal.addEventListener('abort', end);
});

const makeId = () => crypto.getRandomValues(new Uint32Array(3))
  .reduce((id, number) => id + number.toString(36), '');

export class Client extends EventTarget {
  #url;
  #headers;
  #heartbeat;
  #name; // of database, lock, channel
  #replica = new Replica();
  #trouble = {delay: 0}; // undefined: it is online
  #started;
  #resolve;
  #reject;
  #closing = new AbortController();
  #doing = new AbortController(); // of what the leader does now
  #leads; // an object of its own each time
  #heard; // when the server was
  #failures = 0;
  #fruitless = 0; // streams, then polls
  #db;
  #channel;
  #hearing = Promise.resolve(); // one message after the other
  #ticks;
  #quiet = 0; // ticks without the leader
  #seen = 0; // when a follower was visible

  constructor(url, {token, store, heartbeat = 15} = {}) {
    super();
    const {origin, pathname} = new URL(url, globalThis.document?.baseURI);
    this.#url = origin + pathname.replace(/\/+$/, '');
    this.#headers = token ? {Authorization: `Bearer ${token}`} : {};
    new Headers(this.#headers); // throws what is no token
    this.#heartbeat = heartbeat;
    this.#name = store && `${store} ${this.#url}`;
  }

  get online() { return !this.#trouble; }
  get epoch() { return this.#replica.epoch; }
  get generation() { return this.#replica.generation; }
  get items() { return this.#replica.items; }
  get #closed() { return this.#closing.signal.aborted; }

  #emit(type, detail) {
    this.#closed || this.dispatchEvent(new CustomEvent(type, {detail}));
  }

  start() {
    this.#started ??= new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      for (const type of ['online', 'visibilitychange']) {
        globalThis.addEventListener?.(type, this.#look, this.#closing);
      }
      this.#name ? this.#share() : this.#lead();
    });
    return this.#started;
  }

  // The user doesn't want to wait.
  retry() {
    if (this.online) {
      this.#look();
    } else if (this.#leads) {
      this.#interrupt(this.#leads);
    } else {
      this.#post({wake: true, now: true});
    }
  }

  close() {
    clearInterval(this.#ticks);
    this.#closing.abort();
    this.#interrupt();
    this.#channel?.close();
    this.#db?.close();
    this.#resolve?.();
    this.#started ??= Promise.resolve();
  }

  // Asking.

  async #send(method, path, {signal = this.#closing.signal, body, wait = 0,
    patience = PATIENCE + wait}) {
    const {epoch, generation} = this.#replica;
    const query = new URLSearchParams({...wait && {wait},
      ...generation && {generation, ...epoch !== null && {epoch}}});
    const headers = {...this.#headers,
      ...body && {'Content-Type': 'application/json'}};
    const pieces = exchange(`${this.#url}/${path}?${query}`,
      {method, headers, body, signal, patience});
    const {value: response} = await pieces.next();
    if (!response.ok) {
      const {status, statusText} = response;
      const {detail = statusText, change} =
        await joined(pieces).then(JSON.parse).catch(() => '') ?? '';
      const retryAfter = parseRetryAfter(
        response.headers.get('retry-after'), response.headers.get('date'));
      throw new RequestError(`${status} ${detail}`,
        {status, detail, change, retryAfter});
    }
    if (this.#trouble) {
      this.#report();
      this.#look();
    }
    return pieces;
  }

  async sync() { await this.#ask(); }

  async #ask(signal, wait, questions = 5) {
    const {epoch, generation} = this.#replica;
    const text = await joined(
      await this.#send('GET', 'updates', {signal, wait}));
    const answer = decode(text);
    const isOurs = fits(answer, {epoch, generation});
    this.#take(answer, text);
    if (!isOurs || !covers(this.#replica, answer)) {
      questions ||
        refuse(`one since ${generation}, not from a cache`, answer);
      await this.#ask(signal, wait, questions - !isOurs);
    }
  }

  async #accept(answer, text, signal) {
    this.#take(answer, text);
    covers(this.#replica, answer) || await this.#ask(signal);
  }

  // Applies what fits, and tells all.
  #take(answer, text) {
    if (!fits(answer, this.#replica)) {
      return;
    }
    const changes = this.#replica.apply(answer);
    const {since, generation, reset} = answer;
    if (changes.length || generation !== since || reset !== undefined) {
      if (this.#leads) {
        this.#db && store(this.#db, answer, text, this.#replica)
          .catch(error => {
            this.#db = undefined;
            this.#emit('error', {error});
          });
        this.#tell(text);
      }
      if (reset !== undefined) {
        this.#emit('reset', {reason: reset});
      }
      this.#announce(answer, changes, text.length);
    }
  }

  #announce({epoch, generation}, changes, size) {
    this.#resolve?.();
    changes.forEach(({kind, ...detail}) => this.#emit(kind, detail));
    this.#emit('updates', {changes, epoch, generation, size});
  }

  // Following.

  async #lead() {
    const leads = {};
    this.#leads = leads;
    while (this.#leads === leads && !this.#closed) {
      const {signal} = this.#doing;
      let asked = false;
      try {
        this.#heard = Date.now();
        const polls = this.#fruitless >= FRUITLESS;
        await this.#ask(signal, polls && this.online ? HOLD : 0);
        asked = true;
        this.#failures = 0;
        this.#fruitless = (this.#fruitless + 1) % (FRUITLESS + POLLS);
        await (polls ? sleep(1, signal) : this.#follow(signal));
      } catch (error) {
        signal.aborted || await this.#pause(error, asked, signal);
      }
    }
  }

  async #follow(signal) {
    const pieces = await this.#send('GET', 'events', {
      signal, patience: 3 * this.#heartbeat});
    for await (const {type, data} of parseEvents(pieces)) {
      this.#heard = Date.now();
      this.#fruitless = 0;
      if (type === 'updates') {
        await this.#accept(decode(data), data, signal);
      } else if (type === 'ask') {
        await this.#ask(signal);
        await sleep(Math.random(), signal); // all were told so at once
      }
    }
    throw new RequestError('the event stream ended');
  }

  // Random, or all clients of a restarted server would come at once.
  async #pause(error, asked, signal) {
    const limit = Math.min(
      this.#isSeen ? SEEN : LONGEST, 2 ** this.#failures++);
    const delay = (error.retryAfter ?? 0) + Math.random() * limit;
    error instanceof RequestError || this.#emit('error', {error});
    // A stream may end; the next question tells.
    asked || this.#report({error, delay});
    if (!this.generation && /^4(?!29)/.test(error.status)) {
      this.#reject(error);
      this.close();
    }
    this.#heard = error.retryAfter ? Infinity : 0; // may it wake?
    await sleep(delay, signal);
  }

  #report(trouble) {
    this.#trouble = trouble;
    this.#tell();
    this.#emit(trouble ? 'offline' : 'online', trouble);
  }

  get #isSeen() {
    return globalThis.document?.hidden === false ||
      Date.now() - this.#seen < 1500 * this.#heartbeat;
  }

  // The network, or the user, is back.
  #look = () => {
    globalThis.document?.hidden || (this.#leads ? this.#wake() : this.#post({wake: true}));
  };

  #wake() {
    Date.now() - this.#heard > 1500 * this.#heartbeat &&
      this.#interrupt(this.#leads);
  }

  #interrupt(leads) {
    const doing = this.#doing;
    this.#doing = new AbortController();
    this.#leads = leads;
    doing.abort();
  }

  // Tabs.  The one with the lock leads: it follows the server, stores, and
  // tells the others.

  async #share() {
    try {
      this.#db = await openStore(this.#name);
      this.#load(await result(recordsOf(this.#db).getAll()));
    } catch (error) {
      this.#emit('error', {error});
    }
    if (this.#closed) {
      this.#db?.close();
    } else if (this.#db && navigator.locks) {
      this.#channel = new BroadcastChannel(this.#name);
      this.#channel.onmessage = ({data}) => {
        this.#quiet *= 'wake' in data; // the leader doesn't say that
        this.#hearing = this.#hearing.then(() => this.#hear(data))
          .catch(error => this.#emit('error', {error}));
      };
      this.#ticks = setInterval(() => this.#tick(), 500 * this.#heartbeat);
      this.#lock(this.#closing);
      this.#post({wake: true});
    } else {
      this.#lead();
    }
  }

  #load(texts) {
    if (!this.generation) {
      try {
        texts.slice(0, -1).forEach(
          text => this.#replica.apply(JSON.parse(text)));
      } catch (error) {
        recordsOf(this.#db).clear();
        throw error;
      } finally {
        this.generation &&
          this.#announce(this.#replica, additions(this.items, []), 0);
      }
    }
  }

  async #lock(options) {
    try {
      await navigator.locks.request(this.#name, options, () => this.#lead());
    } catch ({name}) {
      this.#interrupt();
      if (name === 'AbortError' && !this.#closed) { // it was stolen
        this.#lock(this.#closing);
      }
    }
  }

  // The leader may be frozen; a tab that is seen can't wait for it.
  #tick() {
    this.#quiet = this.#leads || globalThis.document?.hidden ? 0 :
      this.#quiet + 1;
    this.#quiet > 3 ? this.#lock({steal: true}) : this.#post({wake: false});
  }

  #post(message) {
    const seen = globalThis.document?.hidden === false;
    this.#channel?.postMessage({...message, seen});
  }

  #tell(text) {
    const {epoch, generation} = this.#replica;
    this.#leads &&
      this.#post({epoch, generation, trouble: this.#trouble, text});
  }

  async #hear({wake, now, seen, trouble, text, ...position}) {
    if (this.#leads) {
      this.#seen = seen ? Date.now() : this.#seen;
      now ? this.retry() : wake && this.#wake();
      this.#tell();
    } else if (wake === undefined) {
      trouble?.delay === this.#trouble?.delay || this.#report(trouble);
      if (!trouble) {
        await this.#accept(text ? decode(text) : position, text);
      }
    }
  }

  // Writing: batches, all of which may be sent twice.

  async put(path, item) { await this.batch([{op: 'put', path, item}]); }
  async makeSet(path) { await this.batch([{op: 'set', path}]); }
  async remove(path) { await this.batch([{op: 'remove', path}]); }
  async add(path, item) {
    return (await this.batch([{op: 'add', path, item}]))[0];
  }

  async batch(changes) {
    const made = changes.map(({op, path, item}) => {
      path = asPath(path);
      path.forEach(keyOf);
      /put|add/.test(op) && check(item);
      return op === 'add' ? {op: 'put', path: [...path, makeId()], item} :
        {op, path, item};
    });
    const text = await this.#write(made);
    const {updates} = JSON.parse(text);
    if (updates) {
      await this.#accept(checkAnswer(updates), JSON.stringify(updates));
    } else if (this.generation) {
      await this.sync();
    }
    return made.map(({path}) => path.at(-1));
  }

  async #write(changes) {
    const body = JSON.stringify({changes});
    const send = async () => joined(await this.#send('POST', 'batch', {body}));
    return send().catch(error => {
      if (error.status || this.#trouble || this.#closed) {
        throw error;
      }
      // It may have been made.
      return send().catch(error => error.status === 404 && !changes[1] &&
        changes[0].op === 'remove' ? '{}' : Promise.reject(error));
    });
  }
}
