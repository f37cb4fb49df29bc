import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { sharedStore } from './shared-store/shared-store.ts'
import { isBatch, isFenceRead, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { builtChild } from './support/actor.ts'
import { fenceOf, open, until } from './support/auth.ts'

/** A process that opens a session and then does nothing more than it is told. */
class Bystander {
  readonly child: ChildProcess
  readonly exited: Promise<unknown[]>
  output = ''
  errors = ''

  constructor(what: string, server: SharedStoreServer) {
    this.child = spawn(process.execPath, [builtChild('idle'), what, server.url], { stdio: 'pipe' })
    this.child.stdout?.on('data', text => {
      this.output += text
    })
    this.child.stderr?.on('data', text => {
      this.errors += text
    })
    // Not 'exit', which may come before the last of the output.
    this.exited = once(this.child, 'close')
  }

  async says(line: string): Promise<void> {
    await until(() => this.output.includes(`${line}\n`))
  }
}

test('an open session that nobody uses does not keep its process alive', async () => {
  await using server = await SharedStoreServer.start()
  const bystander = new Bystander('idle', server)
  expect(await bystander.exited).toEqual([0, null])
  expect(bystander.output).toBe('opened\nexit\n')
  // It went without a word, and its session is free at once.
  await (await open(sharedStore(server.url), { lease: { waitMs: 0 } })).close()
})

test('a process that waits for a lease stays until it has it', async () => {
  await using server = await SharedStoreServer.start()
  const owner = await open(sharedStore(server.url))
  const waiting = server.next(isFenceRead)
  const bystander = new Bystander('idle', server)
  await waiting
  await server.next(isFenceRead)
  expect(bystander.child.exitCode).toBeNull()
  await owner.close()
  expect(await bystander.exited).toEqual([0, null])
  expect(bystander.output).toBe('opened\nexit\n')
  expect((await fenceOf(server.data))?.pid).toBe(bystander.child.pid)
})

test('a process whose creds wait for the store stays until they are saved, however long the outage', async () => {
  await using server = await SharedStoreServer.start()
  const bystander = new Bystander('save', server)
  await bystander.says('opened')
  const away = server.refuse(isBatch, 'ECONNREFUSED')
  const tried = server.next(isBatch)
  bystander.child.stdin?.write('now\n')
  await tried
  // Longer than retry.forMs, which is two seconds there.
  await new Promise(resolve => setTimeout(resolve, 2_500))
  expect(bystander.child.exitCode).toBeNull()
  away.undo()
  expect(await bystander.exited).toEqual([0, null])
  expect(bystander.output).toBe('opened\nsaved\nexit\n')
  expect(bystander.errors).toContain('[WRITE_RETRIED] BaileysAuthkitWarning')
})

test('a rejected saveCreds() that nobody awaits does not end the process', async () => {
  await using server = await SharedStoreServer.start()
  const bystander = new Bystander('unawaited', server)
  expect(await bystander.exited).toEqual([0, null])
  expect(bystander.output).toBe('opened\naborted SESSION_CLOSED\nalive\nexit\n')
})
