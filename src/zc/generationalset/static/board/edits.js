/**
 * What people do to a board.
 *
 * An edit is a function.  It gets the Contents and a signature, {by, at}, who
 * does it when.  It returns the changes for Client.batch.  The board calls an
 * edit to show its result, and again when its turn comes to be written,
 * because others may have written meanwhile.  The edit throws Gone if it no
 * longer makes sense.
 *
 * Moving a card and writing its text are patches of different members, so two
 * users who do both at the same time don't undo each other's work.  What is
 * put back is written only if nobody has put it back already: `isUnseen`.
 */

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
      put(['cards', id], { text, column: column.id, rank, ...signature })];
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
    const now = contents.find('cards', id);
    const wanted = chosen ?? (now ?? item).column;
    const column = known.find((each) => each.id === wanted);
    const [place, ...others] = wanted === (now ?? item).column ? [{}]
      : placesFor('cards', id, contents.cards(wanted), null, wanted);
    const written = { text, ...place, ...signature };
    return [
      ...column ? revive(contents, column) : [],
      now ? patch(['cards', id], written)
        : putBack(['cards', id], { ...item, ...written }),
      ...others];
  };
}

/** Moves a card before another one, or to the end of a column. */
export function moveCard(id, column, before = null) {
  return (contents, signature) => {
    expect(contents, 'cards', id);
    expect(contents, 'columns', column);
    const [place, ...others] = placesFor(
      'cards', id, contents.cards(column), before, column);
    return [patch(['cards', id], { ...place, ...signature }), ...others];
  };
}

export function addColumn(name) {
  const id = newId();
  return ({ columns }) => {
    const [rank] = ranksAt(columns, columns.length);
    return [put(['columns', id], { name, rank })];
  };
}

/** Writes a column's name; {id, item} is the column as it was known. */
export function renameColumn({ id, item }, name) {
  return (contents) => [contents.find('columns', id)
    ? patch(['columns', id], { name })
    : putBack(['columns', id], { ...item, name })];
}

export function moveColumn(id, before = null) {
  return (contents) => {
    expect(contents, 'columns', id);
    const [place, ...others] = placesFor(
      'columns', id, contents.columns, before);
    return [patch(['columns', id], place), ...others];
  };
}

/** Returns the edits that remove a card and put it back. */
export function removeCard(id) {
  return removal(() => [['cards', id]]);
}

/** Returns the edits that remove a column with its cards, and restore it. */
export function removeColumn(id) {
  return removal((contents) => [
    ['columns', id],
    ...contents.find('columns', id)
      ? contents.cards(id).map((card) => ['cards', card.id]) : []]);
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
      const paths = find(contents).filter((path) => contents.find(...path));
      for (const path of paths) {
        removed.set(String(path), putBack(path, contents.find(...path)));
      }
      return paths.map((path) => ({ op: 'remove', path }));
    },
    // An item that is there again was saved by another user.
    undo: (contents) => [...removed.values()].filter(
      ({ path }) => !contents.find(...path)),
  };
}

/**
 * Returns the place of something before another thing of a list, or at its
 * end, and the changes of others that have to make room.
 */
function placesFor(set, id, list, before, column) {
  const others = list.filter((other) => other.id !== id);
  const found = others.findIndex((other) => other.id === before);
  const index = found < 0 ? others.length : found;
  const [rank, ...ranks] = ranksAt(others, index);
  const where = column === undefined ? {} : { column };
  return [
    { ...where, rank },
    ...ranks.map((each, step) => patch(
      [set, others[index + step].id], { ...where, rank: each }))];
}

/** Returns the changes that put a column back, if it was removed. */
function revive(contents, { id, item }) {
  return contents.find('columns', id) ? [] : [putBack(['columns', id], item)];
}

function expect(contents, set, id) {
  if (!contents.find(set, id)) throw new Gone(`${set}: ${id} is gone`);
}

function put(path, item) {
  return { op: 'put', path, item };
}

function putBack(path, item) {
  return { ...put(path, item), isUnseen: true };
}

/** Returns a change of some members of an item, which must be there. */
function patch(path, item) {
  return { op: 'patch', path, item };
}

/** Returns a random id; crypto.randomUUID works only in secure pages. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-').replaceAll('/', '_');
}
