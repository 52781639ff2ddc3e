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
