// zc-generationalset: keeps a copy of a server's generational set current.
// docs/protocol.txt is what it speaks; gset.d.ts says how it is used.

// Values and ids: checked, and kept as the JSON that they are.

const SAFE = Number.MAX_SAFE_INTEGER;
const DEPTH = 200; // levels of arrays and objects; recursion is safe then

function refuse(expected, got) {
  let shown = typeof got;
  try {
    shown = JSON.stringify(got).slice(0, 99);
  } catch {
    // It is nothing that JSON knows.
  }
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
const DAY = /^\d{4}-\d\d-\d\d/;
const TIME = /([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?/;
const OFFSET = /(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?$/;
const join = (...patterns) =>
  new RegExp(patterns.map(pattern => pattern.source).join(''));

// Whether what is within an extended value is right.
const KINDS = {
  __proto__: null,
  $int: isText(/^-?[1-9]\d{0,4299}$/, isBeyond),
  $float: text => /^(nan|-?inf)$/.test(text) ||
    isText(NUMBER, isBeyond)(text) && isFinite(text),
  $decimal: isText(NUMBER),
  $bytes: isText(/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2,3}={1,2})?$/, text =>
    text.length % 4 === 0 && btoa(atob(text)) === text), // no surplus bits
  $datetime: isText(join(DAY, /T/, TIME, OFFSET), isDay),
  $date: isText(join(DAY, /$/), isDay),
  $time: isText(join(/^/, TIME, /$/)),
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

const areDifferent = values => values.every(isHashable) && new Set(
  values.map(value => JSON.stringify(value, withoutZeros))
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

const withoutZeros = (name, value) => name === '$decimal' ?
  value.replace(/^([^.eE]*)(?:\.0*|(\.\d*?)0*)$/, '$1$2') : value;

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

export function decodeValue(text) {
  const value = JSON.parse(text);
  check(value);
  return value;
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

  get size() {
    return this.#entries.size;
  }

  has(id) {
    return this.#entries.has(keyOf(id));
  }

  get(id) {
    return this.#entries.get(keyOf(id))?.[1];
  }

  at(path) {
    return asPath(path).reduce((items, id) =>
      items instanceof Items ? items.get(id) : undefined, this);
  }

  entries() {
    return this.#entries.values();
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  * keys() {
    for (const [id] of this) {
      yield id;
    }
  }

  * values() {
    for (const [, item] of this) {
      yield item;
    }
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

// Sends a request; returns the response and an iterator of its text.
async function send(words, url, {signal, patience = PATIENCE, ...options}) {
  const abort = new AbortController();
  const stop = () => abort.abort();
  const end = () => {
    stop();
    signal.removeEventListener('abort', stop);
  };
  const heard = async promise => {
    let why = 'there was no response';
    const timer = setTimeout(() => {
      why = `silence for ${patience} seconds`;
      stop();
    }, patience * 1000);
    try {
      return await promise;
    } catch (cause) {
      end();
      throw new RequestError(`${words}: ${why}`, {cause});
    } finally {
      clearTimeout(timer);
    }
  };
  async function* read(body) {
    const decoder = new TextDecoder('utf-8', {fatal: true});
    const reader = body?.getReader();
    try {
      for (let done = !reader; !done;) {
        const piece = await heard(reader.read());
        done = piece.done;
        yield decoder.decode(piece.value, {stream: !done});
      }
    } finally {
      end();
    }
  }
  signal.addEventListener('abort', stop);
  if (signal.aborted) {
    stop();
  }
  const response = await heard(
    fetch(url, {...options, cache: 'no-store', signal: abort.signal}));
  const pieces = read(response.body);
  if (!response.ok) {
    throw problem(words, response, await joined(pieces));
  }
  return {response, pieces};
}

async function joined(pieces) {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    checkLength(text.length);
  }
  return text;
}

function checkLength(length) {
  length <= LIMIT || refuse(`at most ${LIMIT} characters`, 'more');
}

function problem(words, {status, statusText, headers}, text) {
  let document = {};
  try {
    document = JSON.parse(text);
  } catch {
    // The status has to say it.
  }
  const detail = String(document?.detail ?? statusText);
  const after = headers.get('retry-after');
  const seconds = /^\d+$/.test(after) ? Number(after) :
    (Date.parse(after) - Date.now()) / 1000 || 0;
  return new RequestError(`${words}: ${status} ${detail}`, {
    status, detail, change: document?.change,
    retryAfter: Math.min(Math.max(seconds, 0), OBEYED)});
}

// The events of a stream; comments, signs of life, are events without type.
export async function* parseEvents(pieces) {
  let line = '';
  let type = 'message';
  let data = [];
  let size = 0;
  let afterReturn = false;
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
        size += value.length;
      } else if (name === 'event') {
        type = value || 'message';
      } else if (text && !name) {
        yield {type: '', data: value};
      } else if (!text) {
        if (data.length) {
          yield {type, data: data.join('\n')};
        }
        type = 'message';
        data = [];
        size = 0;
      }
    }
    checkLength(line.length + size);
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

  static open(name) {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () =>
        request.result.createObjectStore('answers');
      request.onblocked = () => reject(new Error(`${name} is blocked`));
      request.onerror = () => reject(request.error);
      request.onsuccess = () => resolve(new Store(request.result));
    });
  }

  async load() {
    return (await result(this.#records('readonly').getAll())).slice(1);
  }

  // Stores an answer that was just applied, in one transaction.
  async add(answer, text, replica) {
    const records = this.#records('readwrite');
    const {transaction} = records;
    const stored = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
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
    await stored;
  }

  #records(mode) {
    return this.#db.transaction('answers', mode, {durability: 'relaxed'})
      .objectStore('answers');
  }

  close() {
    this.#db.close();
  }
}

const result = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

// The client.

const LONGEST = 60; // the limit of random delays
const HOLD = 25; // of a long poll; some proxies give up after 30
const POLLING = 600; // until event streams that didn't work are tried again
const GOOD = 60; // after which a stream works, even if nothing changed
const FRUITLESS = 3; // streams, until it's polls
const NO_STREAM = [404, 405, 406, 501]; // statuses of servers that have none
const QUESTIONS = 5; // for an answer that fits
const FOR_EVER = [408, 425, 429]; // refusals that pass

const sleep = (seconds, signal) => new Promise(resolve => {
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, signal.aborted ? 0 : seconds * 1000);
  signal.addEventListener('abort', end);
});

function baseURL(url) {
  const {href, protocol, username, password, search, hash} = new URL(
    url, globalThis.document?.baseURI ?? globalThis.location?.href);
  if (!/^https?:$/.test(protocol) || username || password || search || hash) {
    throw new TypeError('expected a URL such as https://example.org/sync, ' +
      'without user, query and fragment');
  }
  return href.replace(/\/+$/, '');
}

const LETTERS =
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// 96 random bits: never the same twice.
const makeId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)),
  byte => LETTERS[byte % 64]).join('');

function encodePath(path, end = '') {
  const ids = asPath(path);
  ids.length || refuse('a path of one id or more', path);
  return `items/${ids.map(encodeSegment).join('/')}${end}`;
}

export class Client extends EventTarget {
  #url;
  #headers = {Accept: 'application/json, text/event-stream'};
  #heartbeat;
  #name; // of database, lock and channel
  #replica = new Replica();
  #online = false;
  #listened = new Set();
  #ready;
  #closing = new AbortController();
  #doing = new AbortController(); // what follows changes is doing now
  #sleeping = false;
  #heard = 0; // when, in milliseconds, the stream was last
  #failures = 0;
  #fruitless = 0;
  #streamAt = 0; // when streams are tried again
  #store;
  #channel;
  #leads = false;
  #waiting = new AbortController(); // for the lock
  #ticks;
  #quiet = 0; // ticks since the leader was heard
  #target; // where the leader is
  #isBehind = false;

  constructor(url, {token, store, heartbeat = 15} = {}) {
    super();
    this.#url = baseURL(url);
    if (token !== undefined) {
      /^[\x21-\x7e]+$/.test(token) || refuse('a token, ASCII', 'another');
      this.#headers.Authorization = `Bearer ${token}`;
    }
    this.#heartbeat = heartbeat;
    this.#name = store && `${store} ${this.#url}`;
  }

  get online() {
    return this.#online;
  }

  get epoch() {
    return this.#replica.epoch;
  }

  get generation() {
    return this.#replica.generation;
  }

  get items() {
    return this.#replica.items;
  }

  addEventListener(type, ...others) {
    this.#listened.add(type);
    super.addEventListener(type, ...others);
  }

  // A hundred thousand events that nobody wants would take a while.
  #emit(type, detail) {
    if (this.#listened.has(type) && !this.#closing.signal.aborted) {
      this.dispatchEvent(new CustomEvent(type, {detail}));
    }
  }

  start() {
    if (!this.#ready) {
      this.#ready = {};
      this.#ready.promise = new Promise((resolve, reject) => {
        Object.assign(this.#ready, {resolve, reject});
      });
      this.#run();
    }
    return this.#ready.promise;
  }

  async #run() {
    globalThis.addEventListener?.('online', this.#look);
    globalThis.document?.addEventListener('visibilitychange', this.#look);
    try {
      if (this.#name) {
        await this.#share();
        await this.#compete();
        return;
      }
    } catch (error) {
      this.#emit('error', {error});
    }
    await this.#lead();
  }

  close() {
    globalThis.removeEventListener?.('online', this.#look);
    globalThis.document?.removeEventListener('visibilitychange', this.#look);
    clearInterval(this.#ticks);
    this.#closing.abort();
    this.#waiting.abort();
    this.#resign();
    this.#channel?.close();
    this.#store?.close();
    this.#ready?.resolve();
  }

  // Asking.

  #position() {
    const {epoch, generation} = this.#replica;
    return {epoch, generation};
  }

  #send(method, path, {params, body, signal = this.#closing.signal, patience}) {
    const {epoch, generation} = this.#replica;
    const query = new URLSearchParams({...params,
      ...generation && {generation, ...epoch !== null && {epoch}}});
    return send(`${method} ${path}`, `${this.#url}/${path}?${query}`, {
      method, signal, patience, body, headers: {...this.#headers,
        ...body && {'Content-Type': 'application/json'}}});
  }

  async sync() {
    await this.#ask(this.#closing.signal);
  }

  // Asks what changed.
  async #ask(signal, wait = 0) {
    for (let questions = 1; ; questions += 1) {
      const asked = this.#position();
      const {pieces} = await this.#send('GET', 'updates', {
        signal, ...wait && {params: {wait}, patience: PATIENCE + wait}});
      const text = await joined(pieces);
      const answer = decode(text);
      if (this.#take(answer, text) ||
          fits(answer, asked) && covers(this.#replica, answer)) {
        return;
      }
      if (questions === QUESTIONS) {
        throw new Error(`expected an answer since ${asked.generation}, got ${
          questions} others, the last one since ${answer.since}: from a cache?`);
      }
    }
  }

  // Applies an answer if it fits, and tells everybody.
  #take(answer, text, size = text.length) {
    const before = this.#position();
    if (!fits(answer, before)) {
      return false;
    }
    const changes = this.#replica.apply(answer);
    const {epoch, generation} = answer;
    if (changes.length || generation !== before.generation ||
        epoch !== before.epoch) {
      if (this.#leads && size) {
        this.#keep(answer, text);
        this.#tell({text});
      }
      if (answer.reset !== undefined) {
        this.#emit('reset', {reason: answer.reset});
      }
      for (const {kind, path, item} of changes) {
        this.#emit(kind, {path, item});
      }
      this.#emit('updates', {changes, epoch, generation, size});
    }
    this.#ready?.resolve();
    return true;
  }

  // Following.

  async #lead() {
    this.#leads = true;
    while (this.#leads) {
      const {signal} = this.#doing;
      try {
        const polls = Date.now() < this.#streamAt;
        await this.#ask(signal, polls && this.#online ? HOLD : 0);
        this.#failures = 0;
        this.#setOnline(true);
        await (polls ? sleep(1, signal) : this.#follow(signal));
      } catch (error) {
        await this.#pause(error);
      }
    }
  }

  async #follow(signal) {
    try {
      await this.#listen(signal);
    } catch (error) {
      this.#fruitless += NO_STREAM.includes(error.status) ? FRUITLESS : 1;
      if (this.#fruitless >= FRUITLESS) {
        this.#streamAt = Date.now() + POLLING * 1000;
      }
      throw error;
    }
  }

  async #listen(signal) {
    const began = Date.now();
    this.#heard = began;
    const {response, pieces} = await this.#send('GET', 'events', {
      signal, patience: 3 * this.#heartbeat});
    if (!/^text\/event-stream/i.test(response.headers.get('content-type'))) {
      await pieces.return();
      throw new RequestError('GET events: no event stream', {status: 406});
    }
    for await (const {type, data} of parseEvents(pieces)) {
      this.#heard = Date.now();
      if (type === 'updates') {
        await this.#event(data, signal);
      } else if (type === 'ask') {
        await this.#ask(signal);
        // All clients were told so in the same moment.
        await sleep(Math.random(), signal);
      }
      if (type || this.#heard - began > GOOD * 1000) {
        this.#fruitless = 0;
      }
    }
    throw new RequestError('GET events: the stream ended');
  }

  async #event(text, signal) {
    const answer = decode(text);
    if (!this.#take(answer, text) && !covers(this.#replica, answer)) {
      await this.#ask(signal);
      if (!covers(this.#replica, answer)) {
        throw new Error(`expected an event since ${this.generation
        }, got one since ${answer.since}`);
      }
    }
  }

  // After a failure.  A random time, because all clients of a server that was
  // restarted would come back in the same moment.
  async #pause(error) {
    const {signal} = this.#doing;
    if (!this.#leads || signal.aborted) {
      return; // it was interrupted
    }
    const limit = Math.min(LONGEST, 2 ** this.#failures);
    const delay = Math.max(Math.random() * limit, error.retryAfter ?? 0);
    this.#failures += 1;
    if (!(error instanceof RequestError)) {
      this.#emit('error', {error});
    }
    this.#setOnline(false, {error, delay});
    this.#refused(error);
    this.#sleeping = !error.retryAfter;
    await sleep(delay, signal);
    this.#sleeping = false;
  }

  #refused(error) {
    if (!this.generation && error.status >= 400 && error.status < 500 &&
        !FOR_EVER.includes(error.status)) {
      this.#ready.reject(error);
      this.close();
    }
  }

  #setOnline(online, detail) {
    if (online !== this.#online || !online) {
      this.#online = online;
      this.#tell(detail);
      this.#emit(online ? 'online' : 'offline', detail);
    }
  }

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
    this.#leads = false;
    this.#interrupt();
  }

  // The network, or the user, is back.
  #look = () => {
    if (!globalThis.document?.hidden) {
      this.#leads ? this.#wake() : this.#post({wake: true});
    }
  };

  // Tabs.  The one that has the lock leads: it follows the server, stores what
  // it gets, and tells the others.

  async #share() {
    if (!globalThis.navigator?.locks || !globalThis.indexedDB ||
        !globalThis.BroadcastChannel) {
      throw new Error('expected IndexedDB, locks and channels to store with');
    }
    try {
      this.#store = await Store.open(this.#name);
      const stored = new Replica();
      for (const text of await this.#store.load()) {
        stored.apply(JSON.parse(text));
      }
      if (stored.generation) {
        this.#take(whole(stored), '');
      }
    } catch (error) {
      this.#emit('error', {error});
    }
    if (this.#closing.signal.aborted) {
      this.#store?.close();
      return;
    }
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({data}) => this.#hear(data);
  }

  async #compete() {
    const {locks} = navigator;
    const {held} = await locks.query();
    if (held.some(({name}) => name === this.#name)) {
      this.#post({wake: true});
      this.sync().catch(error => this.#refused(error));
    }
    this.#ticks = setInterval(() => this.#tick(), this.#heartbeat * 1000);
    let options = {signal: this.#waiting.signal};
    while (!this.#closing.signal.aborted) {
      try {
        await locks.request(this.#name, options, () => this.#lead());
      } catch {
        this.#resign(); // it was stolen, or is to be
        options = this.#waiting.signal.aborted ? {steal: true} :
          {signal: this.#waiting.signal};
        this.#waiting = new AbortController();
      }
    }
  }

  // A tab that leads may be frozen.  One that is seen can't wait for it.
  #tick() {
    if (this.#leads || document.hidden) {
      this.#quiet = 0;
    } else {
      this.#quiet += 1;
      this.#post({wake: false});
      if (this.#quiet > 3) {
        this.#quiet = 0;
        this.#waiting.abort();
      }
    }
  }

  #post(message) {
    this.#channel?.postMessage(message);
  }

  #tell({text, error, delay} = {}) {
    if (this.#channel && this.#leads) {
      this.#post({...this.#position(), online: this.#online, text, delay,
        error: error && {...error, message: error.message}});
    }
  }

  #hear({wake, text, online, error, delay, ...position}) {
    if (wake !== undefined) {
      if (this.#leads) {
        wake && this.#wake();
        this.#tell();
      }
      return;
    }
    if (this.#leads) {
      return;
    }
    this.#quiet = 0;
    if (text) {
      this.#take(decode(text), text);
    }
    if (online && !covers(this.#replica, position)) {
      this.#catchUp(position);
    }
    if (online !== this.#online || delay !== undefined) {
      this.#setOnline(online, error && {
        error: new RequestError(error.message, error), delay});
    }
  }

  async #catchUp(position) {
    this.#target = position;
    if (this.#isBehind) {
      return;
    }
    this.#isBehind = true;
    try {
      while (this.#target) {
        this.#target = undefined;
        await this.sync();
      }
    } catch {
      // The leader goes on trying, and will say so.
    }
    this.#isBehind = false;
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

  // Writing.

  async #write(method, path, body) {
    for (let lost = false; ; lost = true) {
      try {
        const {pieces} = await this.#send(method, path, {
          body: body === undefined ? undefined : JSON.stringify(body)});
        const {updates} = JSON.parse(await joined(pieces));
        await this.#catch(updates);
        return;
      } catch (error) {
        if (lost && method === 'DELETE' && error.status === 404) {
          return; // by the first try
        }
        if (lost || error.status !== 0 || !this.#online ||
            this.#closing.signal.aborted) {
          throw error;
        }
        await sleep(Math.random(), this.#closing.signal);
      }
    }
  }

  async #catch(updates) {
    if (!this.generation) {
      return; // there is nothing yet to keep current
    }
    const answer = updates && checkAnswer(updates);
    if (!answer || !this.#take(answer, JSON.stringify(answer)) &&
        !covers(this.#replica, answer)) {
      await this.sync();
    }
  }

  async put(path, item) {
    check(item);
    await this.#write('PUT', encodePath(path), item);
  }

  async makeSet(path) {
    await this.#write('PUT', encodePath(path, '/'));
  }

  async add(path, item) {
    const id = makeId();
    await this.put([...asPath(path), id], item);
    return id;
  }

  async remove(path) {
    await this.#write('DELETE', encodePath(path,
      this.items.at(path) instanceof Items ? '/' : ''));
  }

  async batch(changes) {
    const made = changes.map(({op, path, item}) => {
      const ids = op === 'add' ? [...asPath(path), makeId()] : asPath(path);
      ids.forEach(keyOf);
      item === undefined || check(item);
      return {op: op === 'add' ? 'put' : op, path: ids, item};
    });
    await this.#write('POST', 'batch', {changes: made});
    return made.map(({path}) => path.at(-1));
  }
}
