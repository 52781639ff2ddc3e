// A client of docs/protocol.txt; gset.d.ts says how to use it.

export { decode } from './gset/answers.js';
export { Client } from './gset/client.js';
export { parseEvents } from './gset/events.js';
export { MaybeWritten, RequestError } from './gset/exchange.js';
export { Items } from './gset/items.js';
export { Misfit, Replica } from './gset/replica.js';

// All modules are named here, so that a browser requests all at once.
import './gset/database.js';
import './gset/errors.js';
import './gset/ids.js';
import './gset/json.js';
import './gset/server.js';
import './gset/session.js';
import './gset/store.js';
import './gset/tabs.js';
import './gset/waiting.js';
import './gset/watch.js';
import './gset/writes.js';
