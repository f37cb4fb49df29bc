import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../built.ts'

/** README as it is. */
export async function readReadme(): Promise<string> {
  return readFile(join(repository, 'README.md'), 'utf8')
}

/** The code blocks in TypeScript or JavaScript by the name in the comment above each; those without one are `unnamed`. */
export function examplesIn(readme: string): {
  readonly named: ReadonlyMap<string, string>
  readonly unnamed: readonly string[]
} {
  const named = new Map<string, string>()
  const unnamed: string[] = []
  for (const [, above = '', source = ''] of readme.matchAll(/([^\n]*)\n```(?:ts|js)\n(.*?)^```$/gms)) {
    const name = /^<!-- example: ([\w-]+) -->$/.exec(above)?.[1]
    if (name === undefined || named.has(name)) unnamed.push(source)
    else named.set(name, source)
  }
  return { named, unnamed }
}

/** The rows of the table whose header has these first cells, cell by cell. */
export function tableIn(readme: string, ...header: readonly string[]): string[][] {
  const lines = readme.split('\n')
  const start = lines.findIndex(line => line.startsWith(`| ${header.join(' | ')} |`))
  if (start === -1) throw new Error(`README has no table with the columns ${header.join(', ')}`)
  const rows = lines.slice(start + 2)
  const end = rows.findIndex(line => !line.startsWith('|'))
  return rows.slice(0, end).map(row =>
    row
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

/** What stands between backticks. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(match => match[1] ?? '')
}
