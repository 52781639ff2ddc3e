/**
 * What people do to a board.
 *
 * An edit is a function.  It gets the board, or its Contents, and a signature,
 * {by, at}, who does it when.  It returns the changes for Outbox.batch, all or
 * none of which are made.  The board calls an edit again if the server refuses
 * the changes, because somebody may have removed what they change, or put it
 * back.  The edit throws Gone if it no longer makes sense.
 *
 * Moving a card and writing its text are patches of different members, so two
 * users who do both at the same time don't undo each other's work.  The last
 * of two moves counts.  Of two texts, the server takes the first, and whoever
 * wrote the other one is told.
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
      now ? patch(['cards', id], written, ['text'])
        : put(['cards', id], { ...item, ...written }),
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
    ? patch(['columns', id], { name }, ['name'])
    : put(['columns', id], { ...item, name })];
}

export function moveColumn(id, before = null) {
  return (contents) => {
    expect(contents, 'columns', id);
    const [place, ...others] = placesFor(
      'columns', id, contents.columns, before);
    return [patch(['columns', id], place), ...others];
  };
}

export function removeCard(id) {
  return (contents) => removals(contents, [['cards', id]]);
}

/** Removes a column with its cards. */
export function removeColumn(id) {
  return (contents) => removals(contents, [
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

/** Returns the changes that remove what is there of some paths. */
function removals(contents, paths) {
  return paths.filter((path) => contents.find(...path))
    .map((path) => ({ op: 'remove', path }));
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
  return contents.find('columns', id) ? [] : [put(['columns', id], item)];
}

function expect(contents, set, id) {
  if (!contents.find(set, id)) throw new Gone(`${set}: ${id} is gone`);
}

function put(path, item) {
  return { op: 'put', path, item };
}

/**
 * Returns a change of some members of an item, which must be there.
 *
 * `kept` are the members that aren't written over if somebody else has changed
 * them.
 */
function patch(path, item, kept = []) {
  const over = Object.keys(item).filter((name) => !kept.includes(name));
  return { op: 'patch', path, item, over };
}

/** Returns a random id; crypto.randomUUID works only in secure pages. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-').replaceAll('/', '_');
}
