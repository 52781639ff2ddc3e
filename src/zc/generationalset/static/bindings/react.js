/** A hook for React; react.d.ts says how to use it. */

import { useCallback, useMemo, useSyncExternalStore } from 'react';

import { nameOf } from '../gset/answers.js';
import { asPath } from '../gset/ids.js';
import { snapshot, subscribe } from './snapshots.js';

const all = what => what;

export function useGSet(client, path = [], select = all) {
  const name = nameOf(asPath(path)); // callers make a new array each time
  const listen = useCallback(
    callback => subscribe(client, JSON.parse(name), callback), [client, name]);
  const get = useMemo(
    () => selected(client, JSON.parse(name), select), [client, name, select]);
  return useSyncExternalStore(listen, get, get);
}

// React wants the same value as long as nothing has changed.
function selected(client, path, select) {
  let last = {};
  return () => {
    const now = snapshot(client, path);
    if (!('now' in last) || last.now !== now) {
      last = {now, value: select(now)};
    }
    return last.value;
  };
}
