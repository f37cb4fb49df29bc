import { basename, join } from 'node:path'
import { MongoClient } from 'mongodb'
import { findProgram } from './find-program.ts'
import { freePort } from './free-port.ts'
import { buildJavaServer, findJavaServer, javaPackages, javaServerArguments } from './mongo-java-server.ts'
import { downloadedMongod, downloadMongod } from './mongod-download.ts'
import type { Server, ServerKind } from './server.ts'
import { dataFolder, ServerProcess } from './server-process.ts'

/**
 * MongoDB, which no package registry has: a `mongod` on PATH, else one that was downloaded from its maker, else
 * mongo-java-server, which speaks its protocol and keeps its data in a file.
 */
export const mongodb: ServerKind = {
  name: 'mongodb',
  title: 'MongoDB',
  variable: 'MONGODB_URL',
  packages: javaPackages,
  service: 'mongodb',
  containerUrl: ([port]) => `mongodb://127.0.0.1:${port}/authkit?replicaSet=authkit`,
  find: async () => (await findProgram(['mongod'])) ?? (await downloadedMongod()) ?? findJavaServer(),
  prepare,
  start,
  describe,
}

let hasTriedDownload = false

async function prepare(): Promise<void> {
  if (!hasTriedDownload) {
    hasTriedDownload = true
    // Where it can't be had, the other one serves.
    await downloadMongod().catch(() => {})
  }
  if (!(await mongodb.find())) await buildJavaServer()
}

async function start(program: string): Promise<Server> {
  const folder = await dataFolder('mongodb')
  const port = await freePort()
  const url = `mongodb://127.0.0.1:${port}/authkit`
  const server = await ServerProcess.start({
    program,
    args:
      basename(program) === 'java'
        ? javaServerArguments(port, join(folder.path, 'data.h2'))
        : ['--dbpath', folder.path, '--port', String(port), '--bind_ip', '127.0.0.1'],
    log: join(folder.path, 'server.log'),
    ready: () => describe(url),
  })
  const stop = async () => {
    await server.end('SIGKILL')
    await folder.remove()
  }
  return {
    url,
    kill: () => server.end('SIGKILL'),
    restart: () => server.restart(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function describe(url: string): Promise<string> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 1000 })
  try {
    const { version, gitVersion } = await client.db().command({ buildInfo: 1 })
    // Only MongoDB's own server tells which commit it was built from.
    return gitVersion === undefined ? `mongo-java-server 1.47.0 as MongoDB ${version}` : `MongoDB ${version}`
  } finally {
    await client.close()
  }
}
