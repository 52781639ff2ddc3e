/**
 * The order of cards, and of columns.
 *
 * Each card or column has a rank, a number.  A move gives it a rank between
 * those of its new neighbours.  So a move writes one item, and two people who
 * move things at the same time don't get into each other's way.  Two people
 * can make equal ranks; these are ordered by id, so everybody sees the same
 * order.
 */

/** Larger ranks are ignored: far beyond, adding 1 makes no difference. */
const LIMIT = 2 ** 40;

/** Returns the rank of an item; 0 if it has none that makes sense. */
export function rankOf({ rank }) {
  return Number.isFinite(rank) && Math.abs(rank) < LIMIT ? rank : 0;
}

/** Sorts a list of {id, item}. */
export function sort(list) {
  return list.sort((one, other) => rankOf(one.item) - rankOf(other.item)
    || (one.id < other.id ? -1 : 1));
}

/**
 * Returns the ranks to put something new into a list, at an index.
 *
 *     const [rank, ...others] = ranksAt(list, 3);
 *
 * The first rank is for the new thing.  The others, if any, are for those that
 * follow it in the list, and have to make room.
 */
export function ranksAt(list, index) {
  const low = index > 0 ? rankOf(list[index - 1].item) : null;
  for (let end = index; ; end++) {
    const high = end < list.length ? rankOf(list[end].item) : null;
    const ranks = between(low, high, end - index + 1);
    if (ranks) return ranks;
  }
}

/** Returns `count` ranks, in order; null if there is no room for them. */
function between(low, high, count) {
  if (low === null && high !== null) return steps(high - count, 1, count);
  if (high === null) return steps((low ?? 0) + 1, 1, count);
  const step = (high - low) / (count + 1);
  const ranks = steps(low + step, step, count);
  const isRoom = [...ranks, high].every(
    (rank, index) => rank > (ranks[index - 1] ?? low));
  return isRoom ? ranks : null;
}

function steps(first, step, count) {
  return Array.from({ length: count }, (_, index) => first + index * step);
}
