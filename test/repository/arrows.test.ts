import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** What each part of the source may import, besides its own folder; the longest matching beginning decides. */
const allowed: { readonly [part: string]: readonly string[] } = {
  'src/store.ts': [],
  'src/names.ts': [],
  'src/errors.ts': [],
  'src/buffer-json.ts': [],
  'src/auth-types.ts': [],
  'src/baileys.ts': ['src/auth-types.ts'],
  'src/log.ts': ['src/auth-types.ts'],
  'src/sealed-marks.ts': ['src/errors.ts'],
  'src/stores/': ['src/store.ts', 'src/errors.ts', 'src/names.ts', 'src/sealed-marks.ts'],
  'src/session/': [
    'src/store.ts',
    'src/errors.ts',
    'src/names.ts',
    'src/log.ts',
    'src/sealed-marks.ts',
    'src/buffer-json.ts',
    'src/baileys.ts',
    'src/auth-types.ts',
  ],
  'src/key-store.ts': [
    'src/session/',
    'src/store.ts',
    'src/errors.ts',
    'src/names.ts',
    'src/buffer-json.ts',
    'src/baileys.ts',
    'src/auth-types.ts',
    'src/own-property.ts',
    'src/sealed-marks.ts',
  ],
  'src/cacheable-key-store.ts': ['src/cacheable-key-store/', 'src/session/', 'src/auth-types.ts'],
  'src/cacheable-key-store/': [
    'src/session/',
    'src/names.ts',
    'src/buffer-json.ts',
    'src/baileys.ts',
    'src/auth-types.ts',
    'src/own-property.ts',
  ],
  'src/own-property.ts': [],
  'src/options.ts': ['src/auth-state.ts', 'src/session/', 'src/store.ts'],
  'src/auth-state.ts': ['src/'],
  'src/entries/': ['src/', 'adapters/'],
  'src/index.ts': ['src/'],
  'adapters/': ['src/store.ts', 'src/errors.ts', 'src/names.ts', 'adapters/'],
  'test/suite/': ['src/', 'test/suite/'],
}

const files = ['src', 'adapters', 'test/suite'].flatMap(sourceFiles)

test('there is something to look at', () => {
  expect(files.length).toBeGreaterThan(20)
})

test.each(files)('%s imports only what its place in the layout allows', file => {
  const part = Object.keys(allowed)
    .filter(beginning => file.startsWith(beginning))
    .sort((a, b) => b.length - a.length)[0]
  if (part === undefined) throw new Error(`no rule says what ${file} may import`)
  const may = [...(allowed[part] ?? []), ...(part.endsWith('/') ? [part] : [])]
  const wrong = relativeImports(file).filter(target => !may.some(beginning => target.startsWith(beginning)))
  expect(wrong).toEqual([])
})

test('only entry points load an adapter, and only baileys.ts loads Baileys', () => {
  const sources = files.filter(file => file.startsWith('src/'))
  const loadAdapters = sources.filter(file =>
    relativeImports(file).some(target => target.startsWith('adapters/')),
  )
  expect(loadAdapters.filter(file => !file.startsWith('src/entries/'))).toEqual([])
  const loadBaileys = sources.filter(file =>
    /(from|import\()\s*'(@whiskeysockets\/)?baileys'/.test(codeOf(file)),
  )
  expect(loadBaileys.filter(file => file !== 'src/baileys.ts')).toEqual([])
})

test('the main entry re-exports only', () => {
  expect(
    codeOf('src/index.ts')
      .replace(/^export (type )?\{[^}]*\} from '[^']+'$/gms, '')
      .trim(),
  ).toBe('')
})

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name).split(sep).join('/'))
}

function relativeImports(file: string): string[] {
  const specifiers = Array.from(
    codeOf(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g),
    match => match[1] ?? '',
  )
  return specifiers.map(specifier =>
    relative(root, resolve(root, dirname(file), specifier))
      .split(sep)
      .join('/'),
  )
}

function codeOf(file: string): string {
  return readFileSync(join(root, file), 'utf8').replace(/^\s*(\/?\*).*$/gm, '')
}
