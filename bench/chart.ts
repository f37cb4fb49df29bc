/** A bar of a chart. */
export interface Bar {
  readonly label: string
  /** From 0 to 1 or so; missing where nothing could be measured. */
  readonly value?: number
  /** `ours` stands out, and a limit steps back. */
  readonly kind: 'ours' | 'limit' | 'other'
  /** What is said in place of a value that is missing. */
  readonly note?: string
}

/** Bars that belong together, under a title. */
export interface BarGroup {
  readonly title: string
  readonly bars: readonly Bar[]
}

/** A chart of horizontal bars, which `--chart` writes as SVG. */
export interface Chart {
  readonly title: string
  readonly subtitle: string
  readonly groups: readonly BarGroup[]
}

const width = 860
const labelWidth = 340
const right = 60
const rowHeight = 22
const barHeight = 14
const titleHeight = 34
const headHeight = 84
const plotWidth = width - labelWidth - right
const most = 1.1

/** An SVG image, of colours that are readable on light and on dark ground, whichever the reader has. */
export function chartSvg({ title, subtitle, groups }: Chart): string {
  const rows = groups.reduce((sum, { bars }) => sum + bars.length, 0)
  const height = headHeight + groups.length * titleHeight + rows * rowHeight + 24
  const lines: string[] = []
  let y = headHeight
  for (const group of groups) {
    lines.push(text(16, y + 20, group.title, 'group'))
    y += titleHeight
    for (const bar of group.bars) {
      lines.push(...barLines(bar, y))
      y += rowHeight
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${style}</style>
<rect class="ground" width="${width}" height="${height}" rx="8"/>
${text(16, 30, title, 'title')}
${text(16, 50, subtitle, 'subtitle')}
${[0, 0.25, 0.5, 0.75, 1].map(part => gridLine(part, height)).join('\n')}
${lines.join('\n')}
</svg>
`
}

const style = `
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#3b4048}
.title{font-size:16px;font-weight:600;fill:#14171c}.subtitle,.axis{fill:#5b626c}
.group{font-weight:600;fill:#14171c}.value{font-variant-numeric:tabular-nums}
.ground{fill:#fff}.grid{stroke:#dfe3e8}
.ours{fill:#0b7a5c}.other{fill:#a3acb8}.limit{fill:none;stroke:#79828e;stroke-dasharray:3 2}
.label-ours{font-weight:600;fill:#0b6b51}
@media(prefers-color-scheme:dark){
text{fill:#b9c0ca}.title,.group{fill:#f0f3f6}.subtitle,.axis{fill:#98a1ad}
.ground{fill:#0f1318}.grid{stroke:#2a3038}
.ours{fill:#3ecf9f}.other{fill:#5f6975}.limit{stroke:#8a94a1}.label-ours{fill:#5fe0b5}}
`.replaceAll('\n', '')

function barLines({ label, value, kind, note = '' }: Bar, y: number): string[] {
  const middle = y + 11
  const labelled = text(labelWidth - 10, middle + 4, label, `label-${kind}`, 'end')
  if (value === undefined) return [labelled, text(labelWidth + 6, middle + 4, note, 'axis')]
  const length = (Math.min(value, most) / most) * plotWidth
  const top = middle - barHeight / 2
  return [
    labelled,
    `<rect class="${kind}" x="${labelWidth}" y="${top}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
    text(labelWidth + length + 6, middle + 4, value.toFixed(2), 'value'),
  ]
}

function gridLine(part: number, height: number): string {
  const x = labelWidth + (part / most) * plotWidth
  return `<line class="grid" x1="${x}" x2="${x}" y1="${headHeight}" y2="${height - 16}"/>${text(x, headHeight - 8, String(part), 'axis', 'middle')}`
}

function text(x: number, y: number, words: string, name: string, anchor = 'start'): string {
  return `<text x="${Math.round(x)}" y="${Math.round(y)}" class="${name}" text-anchor="${anchor}">${escaped(words)}</text>`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
