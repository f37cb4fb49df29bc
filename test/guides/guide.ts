import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../built.ts'
import type { BaileysLine, Bots } from '../whatsapp/bots.ts'
import { GuideBot } from './guide-bot.ts'
import { makeProject, type Project } from './project.ts'

/** The script of a guide in a project of its own, ready to start. */
export interface Guide extends AsyncDisposable {
  readonly bot: GuideBot
  readonly project: Project
}

/** Puts a script of `bots/`, as it is, into a new project on one line of Baileys. */
export async function setUpGuide(script: string, line: BaileysLine, bots: Bots): Promise<Guide> {
  const project = await makeProject(line, ['pino'])
  await writeScript(project, script, 'baileys-authkit')
  const bot = new GuideBot({ folder: project.folder, script, server: bots.server })
  return {
    bot,
    project,
    async [Symbol.asyncDispose]() {
      await bot[Symbol.asyncDispose]()
      await project[Symbol.asyncDispose]()
    },
  }
}

/** Writes the script anew, with `useMultiFileAuthState` from where it is said to come; nothing else differs. */
export async function writeScript(
  project: Project,
  script: string,
  from: 'baileys-authkit' | '@whiskeysockets/baileys',
): Promise<void> {
  const [before, after, ...more] = (
    await readFile(join(repository, 'test/guides/bots', script), 'utf8')
  ).split("'baileys-authkit'")
  assert.ok(before !== undefined && after !== undefined && more.length === 0, 'one import to change')
  await writeFile(join(project.folder, script), `${before}'${from}'${after}`)
}

/** Scans the bot's next QR code and waits until it has gone through the restart; resolves with its address. */
export async function pairGuide(bot: GuideBot, bots: Bots, number: string, user = ''): Promise<string> {
  const jid = await bots.server.scan(await bot.until(`${user}QR `), number)
  assert.equal(await bot.until(`${user}open as `), jid)
  return jid
}
