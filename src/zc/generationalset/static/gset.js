// zc-generationalset: keeps a copy of a server's generational set current.
// docs/protocol.txt is what it speaks; gset.d.ts says how it is used.

// Values and ids: checked, and kept as the JSON that they are.

const SAFE = Number.MAX_SAFE_INTEGER;
const DEPTH = 200; // levels of arrays and objects; recursion is safe then

function refuse(expected, got) {
  const shown = JSON.stringify(got)?.slice(0, 99);
  throw new TypeError(`expected ${expected}, got ${shown}`);
}

const isObject = value =>
  Object.prototype.toString.call(value) === '[object Object]';

function check(value, depth = 0) {
  if (typeof value === 'string') {
    value.isWellFormed() || refuse('text without lone surrogates', value);
  } else if (typeof value === 'number') {
    Math.abs(value) <= SAFE || refuse('a number within ±(2^53 - 1)', value);
  } else if (depth > DEPTH) {
    refuse(`at most ${DEPTH} levels`, 'more');
  } else if (Array.isArray(value)) {
    value.forEach(element => check(element, depth + 1));
  } else if (isObject(value)) {
    const names = Object.keys(value);
    const isRight = names.length === 1 && KINDS[names[0]];
    if (!isRight) {
      checkMembers(value, depth);
    } else if (!isRight(value[names[0]], depth + 1)) {
      refuse('an extended value as in the protocol', value);
    }
  } else if (value !== null && typeof value !== 'boolean') {
    refuse('a JSON value', value);
  }
}

function checkMembers(object, depth) {
  for (const name of Object.keys(object)) {
    check(name);
    check(object[name], depth + 1);
  }
  return true;
}

const isText = (pattern, test = () => true) => text =>
  typeof text === 'string' && pattern.test(text) && test(text);
const isArray = (value, depth) =>
  Array.isArray(value) && (check(value, depth), true);
const isBeyond = text => Math.abs(text) > SAFE;

function isDay(text) {
  const date = new Date(text.slice(0, 10));
  return text >= '0001' && !isNaN(date) &&
    text.startsWith(date.toISOString().slice(0, 10));
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?0*\d{1,18})?$/;
// Without surplus bits at the end.
const BASE64 = new RegExp('^(X{4})*(X[AQgw]==|XX[AEIMQUYcgkosw048]=)?$'
  .replaceAll('X', '[A-Za-z0-9+/]'));
const DAY = String.raw`^\d{4}-\d\d-\d\d`;
const MINUTES = String.raw`([01]\d|2[0-3]):[0-5]\d`;
const TIME = String.raw`${MINUTES}:[0-5]\d(\.\d{1,6})?`;

// Whether what is within an extended value is right.
const KINDS = {
  __proto__: null,
  $int: isText(/^-?[1-9]\d{0,4299}$/, isBeyond),
  $float: isText(/^/, text => /^(nan|-?inf)$/.test(text) ||
    NUMBER.test(text) && isBeyond(text) && isFinite(text)),
  $decimal: isText(NUMBER),
  $bytes: isText(BASE64),
  $datetime: isText(RegExp(`${DAY}T${TIME}(Z|[+-]${MINUTES})?$`), isDay),
  $date: isText(RegExp(`${DAY}$`), isDay),
  $time: isText(RegExp(`^${TIME}$`)),
  $timedelta: parts => Array.isArray(parts) && parts.length === 3 &&
    parts.every(Number.isInteger) && Math.abs(parts[0]) < 1e9 &&
    parts[1] >= 0 && parts[1] < 86400 && parts[2] >= 0 && parts[2] < 1e6,
  $uuid: isText(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
  $tuple: isArray,
  $set: (list, depth) => isArray(list, depth) && areDifferent(list),
  $map: (pairs, depth) => isArray(pairs, depth) &&
    pairs.every(pair => Array.isArray(pair) && pair.length === 2) &&
    areDifferent(pairs.map(pair => pair[0])),
  $object: (object, depth) => isObject(object) && checkMembers(object, depth),
};

// 1.0 and 1 are equal.
const areDifferent = values => values.every(isHashable) && new Set(
  values.map(value => JSON.stringify(value).replace(
    /("\$decimal":"-?\d+(\.\d*[1-9])?)\.?0*"/g, '$1"')),
).size === values.length;

function isHashable(value) {
  if (value === null || typeof value !== 'object') {
    return true;
  }
  const [name, ...others] = Object.keys(value);
  return name in KINDS && !others.length &&
    !['$map', '$object'].includes(name) &&
    (!['$tuple', '$set'].includes(name) || value[name].every(isHashable));
}

// Ids that are equal have one form; whether what is right is in it.
const IDS = {
  __proto__: null,
  $int: () => true,
  $bytes: () => true,
  $date: () => true,
  $uuid: () => true,
  $datetime: isText(/^.{19}(\.(?!0{6})\d{6})?(\+00:00)?$/),
  $decimal: isText(
    /^-?((0\.(?!0{6})|[1-9]\d*\.)\d*[1-9]|[1-9](\.\d*[1-9])?E-([7-9]|\d\d+))$/,
    text => !isDouble(text)),
  $tuple: ids => ids.every(keyOf),
};

function isDouble(text) {
  const number = Number(text);
  return [number.toFixed(100), number.toExponential(100)].some(exact =>
    exact.replace(/\.?0+(?=e|$)/, '') === text.toLowerCase());
}

// The text under which an id is kept, an error if it isn't one.
function keyOf(id) {
  check(id);
  if (typeof id !== 'string' && typeof id !== 'number') {
    const names = isObject(id) ? Object.keys(id) : [];
    names.length === 1 && IDS[names[0]]?.(id[names[0]]) || refuse('an id', id);
  }
  return JSON.stringify(id);
}

export function encodeSegment(id) {
  const key = keyOf(id);
  const isPlain = typeof id === 'string' && !/^(~.*|\.{0,2})$/s.test(id);
  return (isPlain ? '' : '~') + encodeURIComponent(isPlain ? id : key).replace(
    /[!'()*]/g, mark => `%${mark.charCodeAt().toString(16).toUpperCase()}`);
}

// Answers.

export const decode = text => checkAnswer(JSON.parse(text));

function checkAnswer(answer) {
  answer?.format === 1 || refuse('an answer of format 1', answer);
  const {epoch, since, generation, since_epoch: before = null, reset = '',
    contents} = answer;
  for (const text of [epoch ?? '', before ?? '', reset]) {
    typeof text === 'string' || refuse('text', text);
    check(text);
  }
  const isRight = epoch !== undefined &&
    Number.isSafeInteger(since) && since >= 0 &&
    Number.isSafeInteger(generation) && generation >= 1 &&
    (answer.reset === undefined ? generation >= since : contents);
  isRight || refuse('an answer as in the protocol', answer);
  checkLevel(answer, 0);
  return answer;
}

// What an answer, or an entry of it, says of one set.
function checkLevel(level, depth) {
  const {contents, removals, adds} = level;
  for (const list of [contents, removals, adds]) {
    list === undefined || Array.isArray(list) || refuse('a list', list);
  }
  if (depth > DEPTH || contents && (removals || adds)) {
    refuse('contents in the place of removals and adds', level);
  }
  removals?.forEach(keyOf);
  for (const entry of contents ?? adds ?? []) {
    if (Array.isArray(entry)) {
      entry.length === 2 || refuse('an id and an item', entry);
      check(entry[1], depth);
    }
    keyOf(idOf(entry));
    Array.isArray(entry) || checkLevel(entry, depth + 2);
  }
}

const idOf = entry => Array.isArray(entry) ? entry[0] : entry?.id;

const fits = (answer, {epoch, generation}) => answer.since === generation &&
  (!generation || (answer.since_epoch === undefined ? answer.epoch :
    answer.since_epoch) === epoch);

const covers = (position, {epoch, generation}) =>
  position.epoch === epoch && position.generation >= generation;

// Replicas.

export class Misfit extends Error {}

// They see the entries of Items, which nobody else does.
let entriesOf;
let update;

export class Items {
  #entries = new Map(); // key -> [id, item]; what changed last comes last

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

  // With `reset` nothing may stay; what is there is what the changes are
  // compared with.
  #update(level, path, reset, changes) {
    const listed = level.contents ?? level.adds ?? [];
    let gone = level.removals?.map(keyOf) ?? [];
    if (level.contents || reset) {
      const stay = new Set(listed.map(entry => keyOf(idOf(entry))));
      gone = [...this.#entries.keys()].filter(key => !stay.has(key));
    }
    gone.forEach(key => this.#remove(key, path, changes));
    const stale = new Set(reset ? this.#entries.keys() : []);
    for (const entry of listed) {
      const id = idOf(entry);
      const subset = this.#put(id, entry, path, changes);
      subset?.#update(entry, [...path, id], stale.delete(keyOf(id)), changes);
    }
  }

  #remove(key, path, changes) {
    const [id, item] = this.#entries.get(key) ?? [];
    if (this.#entries.delete(key)) {
      changes.push({kind: 'removed', path: [...path, id], item});
    }
  }

  // Puts an entry at the end; returns the subset if it is one.
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

  static {
    entriesOf = items => Array.from(items, ([id, item]) =>
      item instanceof Items ? {id, contents: entriesOf(item)} : [id, item]);
    update = (items, answer, changes) =>
      items.#update(answer, [], answer.reset !== undefined, changes);
  }
}

const asPath = path => Array.isArray(path) ? path : [path];

function isSame(one, other) {
  if (one === other || typeof one !== 'object' || typeof other !== 'object' ||
      !one || !other || Array.isArray(one) !== Array.isArray(other)) {
    return one === other;
  }
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every(name =>
    Object.hasOwn(other, name) && isSame(one[name], other[name]));
}

export class Replica {
  epoch = null;
  generation = 0;
  items = new Items();

  apply(answer) {
    if (!fits(answer, this)) {
      throw new Misfit(`expected an answer since ${this.generation} of ${
        this.epoch}, got one since ${answer.since}`);
    }
    const changes = [];
    update(this.items, answer, changes);
    this.epoch = answer.epoch;
    this.generation = answer.generation;
    return changes;
  }
}

// The answer that makes a new replica equal to this one.
const whole = ({epoch, generation, items}) =>
  ({format: 1, epoch, since: 0, generation, contents: entriesOf(items)});

// HTTP.  Times are in seconds.

const LIMIT = 2 ** 27; // characters of an answer or an event
const PATIENCE = 30; // without a byte of a response
const OBEYED = 3600; // a mistaken Retry-After must not silence for ever

export class RequestError extends Error {
  constructor(text, {status = 0, detail = text, ...others} = {}) {
    super(text);
    Object.assign(this, {status, detail, ...others});
  }
}

// Yields the response to a request, and then its text in pieces.
async function* exchange(url, {signal, patience = PATIENCE, ...options}) {
  const abort = new AbortController();
  const stop = () => abort.abort();
  const heard = async promise => {
    const timer = setTimeout(stop, patience * 1000);
    try {
      return await promise;
    } catch (cause) {
      throw new RequestError('the server was not heard', {cause});
    } finally {
      clearTimeout(timer);
    }
  };
  signal.addEventListener('abort', stop);
  try {
    signal.aborted && stop();
    const response = await heard(
      fetch(url, {...options, cache: 'no-store', signal: abort.signal}));
    yield response;
    const decoder = new TextDecoder('utf-8', {fatal: true});
    const reader = response.body?.getReader();
    for (let done = !reader; !done;) {
      const piece = await heard(reader.read());
      done = piece.done;
      yield decoder.decode(piece.value, {stream: !done});
    }
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
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
  length <= LIMIT || refuse(`at most ${LIMIT} characters`, 'more');

function problem({status, statusText, headers}, text) {
  let document = {};
  try {
    document = JSON.parse(text);
  } catch {
    // The status has to say it.
  }
  const detail = document?.detail ?? statusText;
  const after = headers.get('retry-after');
  const seconds = /^\d+$/.test(after) ? Number(after) :
    (Date.parse(after) - Date.now()) / 1000 || 0;
  return new RequestError(`${status} ${detail}`, {
    status, detail, change: document?.change,
    retryAfter: Math.min(Math.max(seconds, 0), OBEYED)});
}

// The events of a stream; comments, signs of life, are events without type.
export async function* parseEvents(pieces) {
  let line = '';
  let afterReturn = false;
  let type;
  let data = [];
  for await (const piece of pieces) {
    // A line end may be cut in two.
    const lines = (afterReturn ? piece.replace(/^\n/, '') : piece)
      .split(/\r\n|\r|\n/);
    afterReturn = piece ? piece.endsWith('\r') : afterReturn;
    lines[0] = line + lines[0];
    line = lines.pop();
    for (const text of lines) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(text);
      if (name === 'data') {
        data.push(value);
      } else if (name === 'event') {
        type = value;
      } else if (!name && text) {
        yield {type: '', data: value};
      } else if (!text) {
        if (data.length) {
          yield {type: type || 'message', data: data.join('\n')};
        }
        type = '';
        data = [];
      }
    }
    checkLength(data.reduce((sum, {length}) => sum + length, line.length));
  }
}

// What is stored: answers, which a new replica applies in their order; record
// 0 says where they lead.  When those after the first are longer than it, one
// takes the place of all.  So a change writes little, a start reads a few
// large texts, and the order of the items is kept.
class Store {
  #db;

  constructor(db) {
    this.#db = db;
    db.onversionchange = () => db.close();
  }

  static async open(name) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore('answers');
    return new Store(await result(request));
  }

  async load() {
    return (await result(this.#records('readonly').getAll())).slice(1);
  }

  // Stores an answer that was just applied, in one transaction.
  async add(answer, text, replica) {
    const records = this.#records('readwrite');
    const put = ({epoch, generation}, text, count, first, rest) => {
      records.put(text, count);
      records.put({epoch, generation, count, first, rest}, 0);
    };
    const replace = (position, text) => {
      records.clear();
      put(position, text, 1, text.length, 0);
    };
    const head = await result(records.get(0));
    const rest = head?.rest + text.length;
    if (!answer.since || answer.reset !== undefined) {
      replace(answer, text);
    } else if (head && fits(answer, head) && rest < head.first + 65536) {
      put(answer, text, head.count + 1, head.first, rest);
    } else if (!head || !covers(head, answer)) {
      replace(replica, JSON.stringify(whole(replica)));
    }
    await result(records.transaction);
  }

  #records(mode) {
    return this.#db.transaction('answers', mode, {durability: 'relaxed'})
      .objectStore('answers');
  }

  close() { this.#db.close(); }
}

// Of a request, or of a transaction.
const result = request => new Promise((resolve, reject) => {
  const fail = () => reject(request.error ?? new Error('it is blocked'));
  request.onsuccess = request.oncomplete = () => resolve(request.result);
  request.onerror = request.onabort = request.onblocked = fail;
});

// The client.

const LONGEST = 60; // the limit of random delays
const HOLD = 25; // of a long poll; some proxies give up after 30
const POLLING = 600; // until event streams that didn't work are tried again
const FRUITLESS = 3; // streams of which nothing is heard, until it's polls
const QUESTIONS = 5; // for an answer that fits

const sleep = (seconds, signal) => new Promise(resolve => {
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, signal.aborted ? 0 : seconds * 1000);
  signal.addEventListener('abort', end);
});

// 16 characters, 95 random bits: never the same twice.
const makeId = () => btoa(String.fromCharCode(
  ...crypto.getRandomValues(new Uint8Array(12)))).replace(/\W/g, '-');

const isHidden = () => globalThis.document?.hidden;

export class Client extends EventTarget {
  #url;
  #headers;
  #heartbeat;
  #name; // of database, lock and channel
  #replica = new Replica();
  #online = false;
  #started; // its promise, and how to settle it
  #resolve;
  #reject;
  #closing = new AbortController();
  #doing = new AbortController(); // what the leader is doing now
  #leads; // another object each time, or undefined
  #sleeping = false;
  #heard = 0; // when, in milliseconds, the stream was last
  #failures = 0;
  #fruitless = 0;
  #streamAt = 0; // when streams are tried again
  #store;
  #channel;
  #hearing = Promise.resolve(); // messages, one after the other
  #ticks;
  #quiet = 0; // ticks since the leader was heard

  constructor(url, {token, store, heartbeat = 15} = {}) {
    super();
    const {origin, pathname} = new URL(url, globalThis.document?.baseURI);
    this.#url = origin + pathname.replace(/\/+$/, '');
    this.#headers = token ? {Authorization: `Bearer ${token}`} : {};
    new Headers(this.#headers); // if it can't be one, that is told now
    this.#heartbeat = heartbeat;
    this.#name = store && `${store} ${this.#url}`;
  }

  get online() { return this.#online; }
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
      globalThis.addEventListener?.('online', this.#look);
      globalThis.document?.addEventListener('visibilitychange', this.#look);
      this.#name ? this.#share() : this.#lead();
    });
    return this.#started;
  }

  close() {
    globalThis.removeEventListener?.('online', this.#look);
    globalThis.document?.removeEventListener('visibilitychange', this.#look);
    clearInterval(this.#ticks);
    this.#closing.abort();
    this.#resign();
    this.#channel?.close();
    this.#store?.close();
    this.#resolve?.();
  }

  // Asking.

  async #send(method, path, {type = 'application/json', params, body,
    signal = this.#closing.signal, patience}) {
    const {epoch, generation} = this.#replica;
    const query = new URLSearchParams({...params,
      ...generation && {generation, ...epoch !== null && {epoch}}});
    const headers = {...this.#headers, Accept: type,
      ...body && {'Content-Type': type}};
    const pieces = exchange(`${this.#url}/${path}?${query}`,
      {method, headers, body, signal, patience});
    const {value: response} = await pieces.next();
    if (!response.ok) {
      throw problem(response, await joined(pieces));
    }
    const got = response.headers.get('content-type');
    if (!got?.startsWith(type)) {
      pieces.return();
      throw new RequestError(`expected ${type}, got ${got}`, response);
    }
    this.#setOnline(true);
    return pieces;
  }

  async sync() { await this.#ask(this.#closing.signal); }

  async #ask(signal, wait = 0) {
    for (let questions = 1; ; questions += 1) {
      const {epoch, generation} = this.#replica;
      const text = await joined(await this.#send('GET', 'updates', {
        signal, ...wait && {params: {wait}, patience: PATIENCE + wait}}));
      const answer = decode(text);
      if (this.#take(answer, text) ||
          fits(answer, {epoch, generation}) && covers(this.#replica, answer)) {
        return;
      }
      questions < QUESTIONS || refuse(`an answer since ${generation}, not ${
        questions} others out of a cache`, answer);
    }
  }

  // Applies an answer, or asks for what it brings.
  async #accept(answer, text, signal) {
    if (!this.#take(answer, text) && !covers(this.#replica, answer)) {
      await this.#ask(signal);
    }
  }

  // Applies an answer if it fits, and tells everybody.
  #take(answer, text) {
    if (!fits(answer, this.#replica)) {
      return false;
    }
    const changes = this.#replica.apply(answer);
    const {epoch, since, generation, reset} = answer;
    if (changes.length || generation !== since || reset !== undefined) {
      if (this.#leads) {
        this.#keep(answer, text);
        this.#tell({text});
      }
      if (reset !== undefined) {
        this.#emit('reset', {reason: reset});
      }
      changes.forEach(({kind, ...detail}) => this.#emit(kind, detail));
      this.#emit('updates', {changes, epoch, generation, size: text.length});
    }
    this.#resolve?.();
    return true;
  }

  // Following.

  async #lead() {
    const leads = {};
    this.#leads = leads;
    while (this.#leads === leads) {
      const {signal} = this.#doing;
      let asked = false;
      try {
        const polls = Date.now() < this.#streamAt;
        await this.#ask(signal, polls && this.#online ? HOLD : 0);
        asked = true;
        this.#failures = 0;
        await (polls ? sleep(1, signal) : this.#follow(signal));
      } catch (error) {
        signal.aborted || await this.#pause(error, asked, signal);
      }
    }
  }

  async #follow(signal) {
    this.#heard = Date.now();
    this.#fruitless += 1;
    if (this.#fruitless > FRUITLESS) {
      this.#fruitless = FRUITLESS - 1; // one more try after that
      this.#streamAt = this.#heard + POLLING * 1000;
      return;
    }
    const pieces = await this.#send('GET', 'events', {
      signal, type: 'text/event-stream', patience: 3 * this.#heartbeat});
    for await (const {type, data} of parseEvents(pieces)) {
      this.#heard = Date.now();
      this.#fruitless = 0;
      if (type === 'updates') {
        await this.#accept(decode(data), data, signal);
      } else if (type === 'ask') {
        await this.#ask(signal);
        // All clients were told so in the same moment.
        await sleep(Math.random(), signal);
      }
    }
    throw new RequestError('the event stream ended');
  }

  // After a failure.  Random, because all clients of a server that was
  // restarted would come back in the same moment.
  async #pause(error, asked, signal) {
    const limit = Math.min(LONGEST, 2 ** this.#failures);
    const delay = Math.max(Math.random() * limit, error.retryAfter ?? 0);
    this.#failures += 1;
    error instanceof RequestError || this.#emit('error', {error});
    // If only the stream ended, the next question tells.
    asked || this.#setOnline(false, {error, delay});
    // At the start there may be no use in going on.
    if (!this.generation && /^4(?!29)/.test(error.status)) {
      this.#reject(error);
      this.close();
    }
    this.#sleeping = !error.retryAfter;
    await sleep(delay, signal);
    this.#sleeping = false;
  }

  #setOnline(online, detail) {
    if (online !== this.#online || detail) {
      this.#online = online;
      this.#tell(detail);
      this.#emit(online ? 'online' : 'offline', detail);
    }
  }

  // The network, or the user, is back.
  #look = () => {
    isHidden() || (this.#leads ? this.#wake() : this.#post({wake: true}));
  };

  // Tries at once, unless all is well.
  #wake() {
    if (this.#sleeping ||
        Date.now() - this.#heard > 1500 * this.#heartbeat) {
      this.#interrupt();
    }
  }

  #interrupt() {
    const doing = this.#doing;
    this.#doing = new AbortController();
    doing.abort();
  }

  #resign() {
    this.#leads = undefined;
    this.#interrupt();
  }

  // Tabs.  The one that has the lock leads: it follows the server, stores what
  // it gets, and tells the others.

  async #share() {
    try {
      this.#store = await Store.open(this.#name);
      const stored = new Replica();
      for (const text of await this.#store.load()) {
        stored.apply(JSON.parse(text));
      }
      stored.generation && this.#take(whole(stored), '');
    } catch (error) {
      this.#emit('error', {error});
    }
    if (this.#closed) {
      this.#store?.close();
    } else if (globalThis.navigator?.locks) {
      this.#channel = new BroadcastChannel(this.#name);
      this.#channel.onmessage = ({data}) => {
        this.#quiet = 0;
        this.#hearing = this.#hearing.then(() => this.#hear(data))
          .catch(error => this.#emit('error', {error}));
      };
      this.#ticks = setInterval(() => this.#tick(), this.#heartbeat * 1000);
      this.#lock({signal: this.#closing.signal});
      this.#post({wake: true});
    } else {
      this.#lead();
    }
  }

  #lock(options) {
    navigator.locks.request(this.#name, options, () => this.#lead())
      .catch(() => {
        this.#resign();
        // It was taken by another one.
        this.#closed || this.#lock({signal: this.#closing.signal});
      });
  }

  // A tab that leads may be frozen.  One that is seen can't wait for it.
  #tick() {
    this.#quiet += 1;
    if (this.#leads || isHidden()) {
      this.#quiet = 0;
    } else if (this.#quiet > 3) {
      this.#lock({steal: true});
    } else {
      this.#post({wake: false});
    }
  }

  #post(message) { this.#channel?.postMessage(message); }

  #tell({text, error, delay} = {}) {
    const {epoch, generation} = this.#replica;
    this.#leads && this.#post({epoch, generation, online: this.#online, text,
      delay, error: error && {...error, message: error.message}});
  }

  async #hear({wake, text, online, error, delay, ...position}) {
    if (this.#leads) {
      wake && this.#wake();
      this.#tell();
    } else if (wake === undefined) {
      this.#setOnline(online, error && {
        delay, error: Object.assign(new RequestError(), error)});
      if (online) {
        await this.#accept(
          text ? decode(text) : position, text, this.#closing.signal);
      }
    }
  }

  async #keep(answer, text) {
    try {
      await this.#store?.add(answer, text, this.#replica);
    } catch (error) {
      this.#store?.close();
      this.#store = undefined;
      this.#emit('error', {error});
    }
  }

  // Writing: batches, for all of them may be sent twice.

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
      op === 'set' || op === 'remove' || check(item);
      return op === 'add' ? {op: 'put', path: [...path, makeId()], item} :
        {op, path, item};
    });
    const text = await this.#write(JSON.stringify({changes: made}));
    const {updates} = JSON.parse(text);
    if (updates) {
      await this.#accept(
        checkAnswer(updates), JSON.stringify(updates), this.#closing.signal);
    } else if (this.generation) {
      await this.sync();
    }
    return made.map(({path}) => path.at(-1));
  }

  async #write(body) {
    const send = async () => joined(await this.#send('POST', 'batch', {body}));
    try {
      return await send();
    } catch (error) {
      if (error.status || !this.#online || this.#closed) {
        throw error;
      }
      await sleep(Math.random(), this.#closing.signal);
      return send();
    }
  }
}
