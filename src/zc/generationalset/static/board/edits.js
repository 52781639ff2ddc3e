/**
 * What people do to a board.
 *
 * An edit is a function.  It gets the Contents and a signature, {by, at}, who
 * does it when.  It returns the changes for Client.batch.  The board calls an
 * edit to show its result, and again when its turn comes to be written,
 * because others may have written meanwhile.  The edit throws Gone if it no
 * longer makes sense.
 *
 * A card or column is written as it is shown, with its rank, because another
 * user may be removing its place.
 */

import { placePath, subjectOf } from './contents.js';
import { ranksAt } from './ranks.js';

/** Another user has removed what was to be changed. */
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
 * card    {id, item}: the card as it was known, if another user removed it.
 * chosen  the id of the column to put the card into; undefined for its own.
 * known   columns as {id, item}; if the card's column is gone, it is put back.
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

/** Writes a column's name; {id, item} is the column as it was known. */
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

/** Returns the edits that remove a column with its cards, and restore it. */
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
    // The message comes after all that this window has seen, whatever the
    // clock says.
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
    // An item that is there again was saved by another user.
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

/** Returns the changes that put a column back, if it was removed. */
function revive(contents, { id, item }) {
  return contents.find('columns', id) ? [] : [put(['columns', id], item)];
}

function expect(contents, set, id) {
  if (!contents.find(set, id)) throw new Gone(`${set}: ${id} is gone`);
}

function put(path, item) {
  return { op: 'put', path, item };
}

/** Returns a random id; crypto.randomUUID works only in secure pages. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-').replaceAll('/', '_');
}
