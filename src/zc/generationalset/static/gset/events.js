/** Server-sent events. */

import { checkLength } from './exchange.js';

// Comments are events without type; they are signs of life.
export async function* parseEvents(pieces) {
  let line = '';
  const event = new Event();
  for await (const piece of pieces) {
    const lines = piece.split('\n');
    lines[0] = line + lines[0];
    line = lines.pop();
    for (const text of lines) {
      const done = event.add(text);
      if (done) {
        yield done;
      }
    }
    checkLength(event.size + line.length);
  }
}

/** The event whose lines are arriving. */
class Event {
  size = 0;
  #type = '';
  #data = [];

  /** Returns the event or comment that a line ends, or undefined. */
  add(text) {
    const [, name, value] = /^([^:\r]*):? ?(.*?)\r?$/s.exec(text);
    if (name === 'data') {
      this.#data.push(value);
      this.size += value.length;
    } else if (name === 'event') {
      this.#type = value;
    } else if (text[0] === ':') {
      return {type: '', data: value};
    } else if (!name) {
      return this.#end();
    }
  }

  #end() {
    const [type, data] = [this.#type || 'message', this.#data];
    this.#type = '';
    this.#data = [];
    this.size = 0;
    return data.length ? {type, data: data.join('\n')} : undefined;
  }
}
