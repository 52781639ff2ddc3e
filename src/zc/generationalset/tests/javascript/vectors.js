/**
 * The examples of the protocol, in ../vectors, for Node and browsers.
 *
 * They don't say whether they are run by the one or by the other: each
 * function is given the module and the cases, and returns what went wrong.
 */

const head = '"format":1,"epoch":"e","since":0,"generation":1';

/** The text of a case, or of a step. */
const textOf = ({ text, json, answer }) =>
  text ?? JSON.stringify(json === undefined ? answer : json);

function attempt(task) {
  try {
    return { value: task() };
  } catch (error) {
    return { error };
  }
}

/** Arrives in an answer, between `before` and `after`. */
function check(cases, before, after, isRefused, accept) {
  return cases.flatMap((example) => {
    const { value, error } = attempt(
      () => accept(`{${head},${before}${textOf(example)}${after}}`));
    const isRight = example.lax || (error ? isRefused(example) :
      !isRefused(example) && same_(value, example.json));
    return isRight ? [] : [{ ...example, got: error ? String(error) : value }];
  });
}

const same_ = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Items are kept as they are, whatever is in them, if they are JSON. */
export const values = ({ decode }, cases) => check(
  cases, '"adds":[["x",', ']]', (example) => !('json' in example),
  (text) => decode(text).adds[0][1]);

export function ids({ decode, Replica }, cases) {
  const examples = cases.filter((each) => !('segment' in each && each.error));
  const replica = new Replica();
  const accept = (text) => {
    replica.apply({ ...decode(text), since: replica.generation });
    return [...replica.items.keys()].at(-1);
  };
  const failures = check(
    examples, '"adds":[[', ',1]]', (example) => 'error' in example, accept);
  const right = examples.filter((each) => !('error' in each));
  for (const { json } of right) {
    if (replica.items.get(json) !== 1) {
      failures.push({ json, got: 'not found' });
    }
  }
  return failures;
}

/** Is an answer to a position's question; may it be applied; is it late? */
export const positions = ({ covers, decode, fits, isTo }, cases) =>
  cases.flatMap(({ name, position, answer, ...expected }) => {
    const decoded = decode(JSON.stringify(answer));
    const got = {
      is_to: isTo(decoded, position), fits: fits(decoded, position),
      covers: covers(position, decoded) };
    return same_(got, expected) ? [] : [{ name, got, expected }];
  });

/** Each case begins with a new replica. */
export function answers(module, cases) {
  return cases.flatMap(({ name, steps }) => {
    const replica = new module.Replica();
    return steps.flatMap((step, index) => {
      const got = take(module, replica, step);
      const {
        result, epoch, generation, changes = [], parts = [], cursor = '',
      } = step;
      const expected = {
        result, epoch, generation, cursor, parts: sorted(parts),
        contents: sorted(step.contents), changes: sorted(changes),
      };
      return step.lax || same_(got, expected) ? [] : [{ name, index, got, expected }];
    });
  });
}

function take({ Items, Misfit, decode }, replica, step) {
  const { value = [], error } = attempt(() => step.drop ?
    replica.keep(parts(replica).map(([path]) => path).filter(
      (path) => !same_(path, step.drop))) :
    replica.apply(decode(textOf(step))));
  const result = error instanceof Misfit ? 'ignored' :
    error ? 'refused' : 'applied';
  const { epoch, generation, items, cursor } = replica;
  return {
    result, epoch, generation, cursor, parts: sorted(parts(replica)),
    contents: sorted(entries(Items, items)),
    changes: sorted(value.map(({ kind, path }) => ({ kind, path }))),
  };
}

const parts = (replica) => Array.from(
  replica.parts ?? [], ([name, generation]) => [JSON.parse(name), generation]);

export const entries = (Items, items) => Array.from(items, ([id, item]) =>
  item instanceof Items ? { id, contents: entries(Items, item) } : [id, item]);

/** Members and entries in one order, since theirs doesn't matter. */
export function sorted(data) {
  if (Array.isArray(data)) {
    const list = data.map(sorted);
    const isEntries = data.every((each) => Array.isArray(each) ?
      each.length === 2 : each !== null && typeof each === 'object');
    return isEntries ? list.sort((one, other) =>
      JSON.stringify(one) < JSON.stringify(other) ? -1 : 1) : list;
  }
  if (data !== null && typeof data === 'object') {
    return Object.fromEntries(Object.keys(data).sort().map(
      (name) => [name, sorted(data[name])]));
  }
  return data;
}
