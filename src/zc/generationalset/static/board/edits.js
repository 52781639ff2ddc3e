/**
 * What people do to a board.
 *
 * An edit is a function.  It is given the Contents, and who does it when,
 * {by, at}; it returns the changes for Client.batch.  It is called when its
 * result is shown, and again when its turn comes to be written, since others
 * may have written meanwhile.  It throws Gone if it makes no sense any more.
 *
 * A card or column that is written is written as it is shown, with its rank:
 * somebody else may be removing its place.
 */

import { placePath, subjectOf } from './contents.js';
import { ranksAt } from './ranks.js';

/** Somebody has removed what was to be changed. */
export class Gone extends Error {
  status = 404;
}

export function addCard(column, text) {
  const id = newId();
  return (contents, signature) => {
    const cards = contents.cards(column.id);
    const [rank] = ranksAt(cards, cards.length);
    return [
      ...revive(contents, column),
      put(['cards', id], { text, ...signature }),
      put(placePath('cards', id), { column: column.id, rank })];
  };
}

/**
 * Writes a card's text.
 *
 * card    {id, item}, what is known of it if somebody removed it.
 * chosen  the id of the column that it is put into, undefined for its own.
 * known   columns as {id, item}; the card's is put back if it is gone.
 */
export function saveCard({ id, item }, text, chosen, known) {
  return (contents, signature) => {
    const now = contents.find('cards', id) ?? item;
    const wanted = chosen ?? now.column;
    const column = known.find((each) => each.id === wanted);
    return [
      ...column ? revive(contents, column) : [],
      put(['cards', id], { ...now, text, ...signature }),
      ...wanted === now.column ? [] : place(
        contents, 'cards', id, signature, contents.cards(wanted), null,
        wanted)];
  };
}

/** Moves a card before another one, or to the end of a column. */
export function moveCard(id, column, before = null) {
  return (contents, signature) => {
    expect(contents, 'cards', id);
    expect(contents, 'columns', column);
    return place(contents, 'cards', id, signature, contents.cards(column),
      before, column);
  };
}

export function addColumn(name) {
  const id = newId();
  return ({ columns }) => {
    const [rank] = ranksAt(columns, columns.length);
    return [
      put(['columns', id], { name }), put(placePath('columns', id), { rank })];
  };
}

/** Writes a column's name; {id, item} is what is known of it. */
export function renameColumn({ id, item }, name) {
  return (contents) => [put(['columns', id], {
    ...contents.find('columns', id) ?? item, name })];
}

export function moveColumn(id, before = null) {
  return (contents) => {
    expect(contents, 'columns', id);
    return place(contents, 'columns', id, {}, contents.columns, before);
  };
}

/** Returns the edits that remove a card and put it back. */
export function removeCard(id) {
  return removal((contents) => pathsOf(contents, 'cards', id));
}

/** Returns the edits that remove a column with its cards, and undo that. */
export function removeColumn(id) {
  return removal((contents) => [
    ...pathsOf(contents, 'columns', id),
    ...contents.find('columns', id) ? contents.cards(id).flatMap(
      (card) => pathsOf(contents, 'cards', card.id)) : []]);
}

/** Adds a message. */
export function say(text) {
  const id = newId();
  return ({ messages }, { by, at }) => {
    // After all that this window has seen, whatever the clock says.
    const last = messages.at(-1)?.item.at;
    return [put(['messages', id], {
      text, by, at: Math.max(at, Number.isFinite(last) ? last + 1 : 0) })];
  };
}

function removal(find) {
  const removed = new Map();
  return {
    edit(contents) {
      const paths = find(contents);
      for (const path of paths) {
        removed.set(String(path), put(
          path, contents.find(...path) ?? contents.stored(...path)));
      }
      return paths.map((path) => ({ op: 'remove', path }));
    },
    // What is there again, somebody else has saved.
    undo: (contents) => [...removed.values()].filter(
      ({ path }) => !contents.find(...subjectOf(path))),
  };
}

function pathsOf(contents, set, id) {
  return [[set, id], placePath(set, id)].filter(
    (path) => contents.stored(...path));
}

/** Puts something before another one of a list, or at its end. */
function place(contents, set, id, signature, list, before, column) {
  const others = list.filter((other) => other.id !== id);
  const found = others.findIndex((other) => other.id === before);
  const index = found < 0 ? others.length : found;
  const [rank, ...ranks] = ranksAt(others, index);
  const where = column === undefined ? {} : { column };
  return [
    put(placePath(set, id), { ...where, rank, ...signature }),
    ...ranks.map((each, step) => {
      const path = placePath(set, others[index + step].id);
      return put(
        path, { ...contents.stored(...path), ...where, rank: each });
    })];
}

/** Returns what puts a column back, if somebody removed it. */
function revive(contents, { id, item }) {
  return contents.find('columns', id) ? [] : [put(['columns', id], item)];
}

function expect(contents, set, id) {
  if (!contents.find(set, id)) throw new Gone(`${set}: ${id} is gone`);
}

function put(path, item) {
  return { op: 'put', path, item };
}

/** Returns a random id; crypto.randomUUID is for secure pages only. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-').replaceAll('/', '_');
}
