/** Server-sent events. */

import { checkLength } from './exchange.js';

// Comments are events without type; they are signs of life.
export async function* parseEvents(pieces) {
  let line = '';
  let [type, data, size] = ['', [], 0];
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
        [type, data, size] = ['', [], 0];
      }
    }
    checkLength(size + line.length);
  }
}
