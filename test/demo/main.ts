import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { toString as drawQr } from 'qrcode'
import { BotHandle } from '../bot/bot-handle.ts'
import { type BotStore, pathOf } from '../bot/bot-store.ts'
import { isServerUrl, serverStoreOf } from '../stores/server-stores.ts'
import { Bots } from '../whatsapp/bots.ts'
import { deliver } from './deliver.ts'
import { type DemoOptions, readOptions, usage } from './options.ts'
import { Progress } from './progress.ts'
import { printReport, type Report } from './report.ts'

/** Runs the demo; resolves with the process's exit code. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (typeof options === 'string') {
    const isHelp = options === ''
    process[isHelp ? 'stdout' : 'stderr'].write(isHelp ? usage : `${options}\n\n${usage}`)
    return isHelp ? 0 : 2
  }
  const store = await storeOf(options)
  if (typeof store === 'string') {
    process.stderr.write(`${store}\n`)
    return 2
  }
  const report = await run(options, store)
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else printReport(report, options)
  return report.lost > 0 || report.pairings !== 1 ? 1 : 0
}

/** Where the session lies, or why it can't lie there: each demo is a new account of a new server. */
async function storeOf(options: DemoOptions): Promise<BotStore | string> {
  const url = options.store ?? `file:${await mkdtemp(join(tmpdir(), 'baileys-authkit-demo-'))}`
  const place = {
    url,
    session: `demo-${randomBytes(4).toString('hex')}`,
    ...(options.sealed ? { sealKey: randomBytes(32).toString('base64') } : {}),
  }
  if (isServerUrl(url)) return (await whyNotOn(url)) ?? place
  const path = resolve(pathOf(url))
  const isFolder = url.startsWith('file:')
  if (isFolder && (await filesIn(path)) > 0)
    return `There is something in ${path}. Name a new folder, or leave --store out.`
  return { ...place, url: `${isFolder ? 'file' : 'sqlite'}:${path}` }
}

/** Why a server can't be used; `undefined` where it can. */
async function whyNotOn(url: string): Promise<string | undefined> {
  try {
    const { close } = await (await serverStoreOf(url)).open(url)
    await close()
    return undefined
  } catch (error) {
    const why = error instanceof Error ? error.message || Object(error).code || error.name : error
    return `${masked(url)} can't be used: ${why}`
  }
}

async function filesIn(folder: string): Promise<number> {
  try {
    return (await readdir(folder)).length
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw error
  }
}

async function run(options: DemoOptions, store: BotStore): Promise<Report> {
  const startedAt = performance.now()
  const say = (text: string) => (options.json ? undefined : process.stdout.write(`${text}\n`))
  say('Starting a WhatsApp server on this machine; nothing leaves it.')
  await using bots = await Bots.start()
  const { url, root } = bots.server
  await using bot = new BotHandle({ store, line: '7', server: { url, root } })
  process.once('SIGINT', () => {
    // Nothing is lost: what the bot has acknowledged lies in its store.
    void bot.kill().finally(() => process.exit(130))
  })
  say('Starting a bot in a process of its own. A phone would scan this:\n')
  bot.start()
  const { qr } = await bot.until('qr')
  // Without a terminal there are no colours, and the plain form has none.
  if (!options.json)
    say(await drawQr(qr, process.stdout.isTTY ? { type: 'terminal', small: true } : { type: 'utf8' }))
  const paired = bot.until('open')
  await bots.server.scan(qr, '15551000')
  const { jid } = await paired
  say(`A simulated phone scanned it: the bot is ${jid}.\n`)
  const progress = new Progress(options, startedAt)
  const result = await deliver({ bots, bot, options, progress })
  progress.end()
  await bot.stop()
  return {
    ...result,
    kills: options.kills,
    pairings: bots.server.counts.pairings - result.senders,
    store: masked(store.url),
    sealed: options.sealed,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  }
}

/** A URL without its password. */
function masked(url: string): string {
  return url.replace(/:[^:@/]*@/, ':***@')
}

main().then(
  code => {
    process.exitCode = code
    // Baileys leaves timers of a minute behind.
    setTimeout(() => process.exit(code), 100)
  },
  error => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  },
)
