import assert from 'node:assert/strict'
import { type Bar, chartSvg } from '../../bench/chart.ts'

const bars: Bar[] = [
  { label: 'limit', kind: 'limit', value: 0.9 },
  { label: 'ours', kind: 'ours', value: 0.85 },
  { label: '<other> & "more"', kind: 'other', note: 'came to a halt' },
]
const svg = chartSvg({
  title: 'Messages a second',
  subtitle: 'as parts of a Map',
  groups: [
    { title: 'files', bars },
    { title: 'Redis', bars: bars.slice(0, 1) },
  ],
})

function widthOf(kind: string): number {
  return Number(new RegExp(`<rect class="${kind}" x="\\d+" y="[\\d.]+" width="([\\d.]+)"`).exec(svg)?.[1])
}

test('a chart has a bar for each figure, as long as that is large, and words where there is none', () => {
  assert.equal(svg.match(/<rect class="(?:limit|ours|other)"/g)?.length, 3)
  assert.ok(Math.abs(widthOf('ours') / widthOf('limit') - 0.85 / 0.9) < 0.01)
  for (const words of ['Messages a second', 'files', 'Redis', '0.85', '0.90', 'came to a halt'])
    assert.ok(svg.includes(words), words)
})

test('what is written in a chart is escaped, and the chart has colours for dark ground', () => {
  assert.ok(svg.includes('&lt;other> &amp; &quot;more&quot;'))
  assert.match(svg, /@media\(prefers-color-scheme:dark\)/)
  // Every element is closed.
  assert.equal(svg.match(/<(?:svg|style|text)\b/g)?.length, svg.match(/<\/(?:svg|style|text)>/g)?.length)
})
