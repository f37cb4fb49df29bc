import { execFile } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type BaileysLine, Bots } from '../whatsapp/bots.ts'
import { setUpGuide, writeScript } from './guide.ts'
import type { Project } from './project.ts'

const script = 'save-and-load.mjs'
const theirs = '@whiskeysockets/baileys'
const ours = 'baileys-authkit'
const lines: readonly BaileysLine[] = ['7', '6.7']

let bots: Bots

beforeAll(async () => {
  bots = await Bots.start()
})

afterAll(() => bots[Symbol.asyncDispose]())

test.each(lines.flatMap(line => [theirs, ours].map(from => [line, from] as const)))(
  'a bot on Baileys %s saves its session once a QR code was scanned, and loads it after a kill, with the function of %s',
  async (line, from) => {
    await using guide = await setUpGuide(script, line, bots)
    const { bot, project } = guide
    await writeScript(project, script, from as typeof ours)
    bot.start()
    const jid = await bots.server.scan(await bot.until('QR '), '15556101')
    await bot.until('connection: close')
    expect(await bot.untilEnd()).toBe(0)

    bot.start()
    await bot.until('connection: open')
    expect(bots.server.online()).toEqual([jid])
    if (from === theirs) await untilQuiet(project)
    await bot.kill()
    expect(bot.linesOf('QR ')).toHaveLength(1)
    expect(bot.errors).toBe('')
  },
)

test.each(lines)(
  "a session on Baileys %s goes from Baileys' own function to ours and back in its folder",
  async line => {
    await using guide = await setUpGuide(script, line, bots)
    const { bot, project } = guide
    const openWith = async (from: typeof theirs | typeof ours): Promise<void> => {
      await writeScript(project, script, from)
      bot.start()
      await bot.until('connection: open')
      if (from === theirs) await untilQuiet(project)
      await bot.kill()
    }
    await writeScript(project, script, theirs)
    bot.start()
    await bots.server.scan(await bot.until('QR '), '15556102')
    expect(await bot.untilEnd()).toBe(0)
    await openWith(theirs)
    const before = await preKeysOf(project)

    await openWith(ours)
    await closeCleanly(project)
    expect(before).not.toEqual([])
    expect(await preKeysOf(project)).toEqual(before)

    await openWith(theirs)
    await openWith(ours)
    expect(bot.linesOf('QR ')).toHaveLength(1)
    expect(bot.errors).toBe('')
  },
)

function folderOf(project: Project): string {
  return join(project.folder, 'auth_info_baileys')
}

/** The pre-keys that lie in Baileys' own files, which the server hands out to others. */
async function preKeysOf(project: Project): Promise<string[]> {
  const names = (await readdir(folderOf(project))).filter(name => name.startsWith('pre-key-'))
  return Promise.all(
    names.sort().map(async name => `${name} ${await readFile(join(folderOf(project), name), 'utf8')}`),
  )
}

/** Resolves when the folder has not changed for a while: Baileys' own function survives no kill in mid-write. */
async function untilQuiet(project: Project): Promise<void> {
  let last = ''
  for (let sameFor = 0; sameFor < 6; sameFor += 1) {
    const files = await readdir(folderOf(project))
    // One may be gone by now.
    const stats = await Promise.all(
      files.map(name => stat(join(folderOf(project), name)).catch(() => undefined)),
    )
    const now = stats.map((stat, index) => `${files[index]} ${stat?.size} ${stat?.mtimeMs}`).join()
    if (now !== last) sameFor = 0
    last = now
    await setTimeout(100)
  }
}

/** What README asks of those who go back after a kill. */
async function closeCleanly({ folder }: Project): Promise<void> {
  const source = `
    import { useMultiFileAuthState } from 'baileys-authkit'
    const auth = await useMultiFileAuthState('auth_info_baileys')
    await auth.close()`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { cwd: folder })
}
