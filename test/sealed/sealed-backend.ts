import { type SealedOptions, sealed } from '../../src/stores/sealed.ts'
import type { Backend } from '../suite/index.ts'

/** A backend whose stores are sealed: with the same options, or with those of each turn, over and over. */
export function sealedBackend(inner: Backend, name: string, ...turns: readonly SealedOptions[]): Backend {
  return {
    ...inner,
    name: `${name} ${inner.name}`,
    keepsOtherTexts: true,
    async create() {
      const data = await inner.create()
      let opened = 0
      return {
        ...data,
        async open() {
          const options = turns[opened % turns.length]
          opened += 1
          const store = await data.open()
          return options === undefined ? store : sealed(store, options)
        },
      }
    },
  }
}

/** 32 bytes that are the same in every run. */
export function testKey(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill)
}

const [first, second] = [testKey(1), testKey(2)]

/** The ways to seal that the suite runs through. */
export const sealings: readonly (readonly [name: string, ...turns: readonly SealedOptions[]])[] = [
  ['sealed', { keys: { k1: first } }],
  ['sealed, with hidden names,', { keys: { k1: first }, hideNames: true }],
  ['sealed, rotating,', { keys: { k1: first, k2: second } }, { keys: { k2: second, k1: first } }],
  [
    'sealed, with hidden names, rotating,',
    { keys: { k1: first, k2: second }, hideNames: true },
    { keys: { k2: second, k1: first }, hideNames: true },
  ],
  ['sealed by a passphrase', { keys: { home: 'correct horse battery staple' } }],
  [
    'sealed by a passphrase, with hidden names,',
    { keys: { home: 'correct horse battery staple' }, hideNames: true },
  ],
]

/** Those that a store on a disk is run through, where each takes a minute: names hidden and not. */
export const sealingsOnDisk: typeof sealings = sealings.filter(
  ([name]) => name === 'sealed' || name === 'sealed, with hidden names, rotating,',
)

/** The one that a store on a server is run through: with all that sealing does at once. */
export const sealingsOnServers: typeof sealings = sealings.filter(
  ([name]) => name === 'sealed, with hidden names, rotating,',
)
