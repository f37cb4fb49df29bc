/** Rows of text under their columns' titles; the first column is aligned to the left. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** All columns are aligned to the left. */
  readonly isText?: boolean
}

/** A table for a terminal. */
export function tableLines({ columns, rows, isText }: Omit<Table, 'title'>): string[] {
  const all = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all.map(row =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 0 || isText ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('   ')
      .trimEnd(),
  )
}
