import type { Store } from "./store.ts";

/** The store with a random number of turns before each call, so that calls interleave in every way. */
export function jittered(store: Store, turns: () => number): Store {
  const wait = async () => {
    for (let left = turns(); left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    get: (key) => wait().then(() => store.get(key)),
    put: (key, value, options) => wait().then(() => store.put(key, value, options)),
    delete: (key, options) => wait().then(() => store.delete(key, options)),
    list: (prefix) => store.list(prefix),
    watch: (prefix, listener) => store.watch(prefix, listener),
    close: () => store.close(),
  };
}
