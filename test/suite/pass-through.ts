import type { Store } from '../../src/store.ts'

/** A store that hands every call on unchanged: what a wrapper overrides methods of. */
export function passThrough(store: Store): Store {
  return {
    kind: store.kind,
    get identity() {
      return store.identity
    },
    limits: store.limits,
    get warnings() {
      return store.warnings ?? []
    },
    durability: store.durability,
    open: () => store.open(),
    read: (scope, names) => store.read(scope, names),
    write: (scope, changes, guards) => store.write(scope, changes, guards),
    list: (scope, options) => store.list(scope, options),
    scopes: prefix => store.scopes(prefix),
    remove: (scope, guards) => store.remove(scope, guards),
    close: () => store.close(),
    ...(store.isPermanent === undefined ? {} : { isPermanent: error => store.isPermanent?.(error) ?? false }),
  }
}
