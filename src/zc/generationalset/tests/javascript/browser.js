/** What browsers have, and Node hasn't. */

/** Has a global object, for a test. */
export function provide(test, name, value) {
  const old = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true });
  test.after(() => {
    delete globalThis[name];
    if (old) {
      Object.defineProperty(globalThis, name, old);
    }
  });
}

/** Holds all timers; returns a function that ends those that run. */
export function holdTimers(test) {
  const calls = new Map();
  provide(test, 'setTimeout', (call) => {
    const timer = {};
    calls.set(timer, call);
    return timer;
  });
  provide(test, 'clearTimeout', timer => calls.delete(timer));
  return () => {
    const ended = [...calls.values()];
    calls.clear();
    ended.forEach(call => call());
  };
}
