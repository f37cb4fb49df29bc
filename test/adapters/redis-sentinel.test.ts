import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { useRedisAuthState } from '../../src/entries/redis.ts'
import { freePort } from '../servers/free-port.ts'
import { ping, redis, startRedis } from '../servers/redis.ts'
import { dataFolder, ServerProcess } from '../servers/server-process.ts'
import { freshPrefix } from './redis-backend.ts'

const master = 'main'
const patient = { retryStrategy: () => 100, sentinelRetryStrategy: () => 100 }

interface Sentinels {
  readonly sentinels: { host: string; port: number }[]
  readonly name: string
}

test.each([
  ['5', (options: typeof patient & Sentinels) => new Redis5(options)],
  ['6', (options: typeof patient & Sentinels) => new Redis(options)],
])(
  'a session by ioredis %s with sentinels goes on, on the replica, when its master is killed',
  async (_version, connect) => {
    const program = await redis.find()
    assert.ok(program, 'this test kills a master of its own: apt-get install redis-server')
    await using first = await startRedis(program)
    const firstPort = new URL(first.url).port
    await using second = await startRedis(program, ['--replicaof', '127.0.0.1', firstPort])
    const admin = new Redis(first.url)
    await admin.config('SET', 'repl-diskless-sync-delay', '0')
    await until(async () => /slave0:.*state=online/.test(await admin.info('replication')))
    await using sentinel = await startSentinel(program, firstPort)
    const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
    const client = connect({ ...patient, sentinels, name: master })
    client.on('error', () => {})
    const prefix = freshPrefix()
    const auth = await useRedisAuthState(client, {
      session: 'shop',
      prefix,
      logger: false,
      // A sentinel that stood still for two seconds trusts nothing that it sees for half a minute.
      retry: { forMs: 90_000 },
    })
    await auth.saveCreds()
    await auth.state.keys.set({ 'lid-mapping': { a: 'before' } })
    // What was written before this is there when this is.
    await admin.set('marker', '1')
    assert.equal(await admin.wait(1, 20_000), 1)
    admin.disconnect()

    await first.kill()
    await auth.state.keys.set({ 'lid-mapping': { b: 'after' } })
    const heir = new Redis(second.url)
    assert.match(await heir.info('replication'), /role:master/)
    heir.disconnect()
    assert.equal(auth.signal.aborted, false)
    await auth.close()

    const again = await useRedisAuthState(client, { session: 'shop', prefix, logger: false })
    assert.deepEqual(await again.state.keys.get('lid-mapping', ['a', 'b']), { a: 'before', b: 'after' })
    await again.close()
    client.disconnect()
  },
  150_000,
)

/** A sentinel that is quick to see that a master is down, once it knows that master's replica. */
async function startSentinel(
  program: string,
  masterPort: string,
): Promise<AsyncDisposable & { readonly port: number }> {
  const [port, folder] = [await freePort(), await dataFolder('redis-sentinel')]
  // It writes down there what it has learnt.
  const settings = join(folder.path, 'sentinel.conf')
  await writeFile(
    settings,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder.path}`,
      `sentinel monitor ${master} 127.0.0.1 ${masterPort} 1`,
      `sentinel down-after-milliseconds ${master} 1000`,
      `sentinel failover-timeout ${master} 3000`,
    ].join('\n'),
  )
  const process = await ServerProcess.start({
    program,
    args: [settings, '--sentinel'],
    log: join(folder.path, 'log'),
    ready: () => ping(`redis://127.0.0.1:${port}`),
  })
  const asking = new Redis(port, '127.0.0.1')
  await until(async () =>
    /"master-link-status","ok"/.test(JSON.stringify(await asking.call('sentinel', ['replicas', master]))),
  )
  asking.disconnect()
  return {
    port,
    async [Symbol.asyncDispose]() {
      await process.end('SIGKILL')
      await folder.remove()
    },
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50)
}
