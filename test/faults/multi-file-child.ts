import { folderScope, folderStore } from '../../adapters/multi-file.ts'

/**
 * An owner in a process of its own: `node multi-file-child.js <folder> <old fence> <new fence>`. Takes the folder,
 * says `taken` or `refused`, and then, for each line `<name> <value>` on its input, writes it under its fence and
 * says what came of it. The line `burst` writes without end, and says the number of each batch that resolved.
 */
async function main([folder = '', oldFence = '', fence = '']: readonly string[]): Promise<void> {
  const store = folderStore(folder)
  await store.open()
  const guards = [{ name: '!fence', value: fence }]
  const taken = await store.write(
    folderScope,
    [{ name: '!fence', value: fence }],
    [{ name: '!fence', value: oldFence === '' ? undefined : oldFence }],
  )
  say(taken ? 'taken' : 'refused')
  let rest = ''
  for await (const chunk of process.stdin) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === 'burst') {
        for (let count = 1; ; count++) {
          const changes = ['creds', 'session/1.0', 'pre-key/1'].map(name => ({ name, value: `${count}` }))
          if (!(await store.write(folderScope, changes, guards))) break
          say(`${count}`)
        }
      }
      const [name = '', value = ''] = line.split(' ')
      try {
        say(String(await store.write(folderScope, [{ name, value }], guards)))
      } catch (error) {
        say(error instanceof Error ? `error ${error.message}` : 'error')
      }
    }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

await main(process.argv.slice(2))
