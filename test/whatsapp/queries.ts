import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  S_WHATSAPP_NET,
} from '@whiskeysockets/baileys'
import { node, resultOf } from './node.ts'

/**
 * Answers a query that takes no knowledge of the user: settings, lists and properties, all empty or as a fresh
 * account has them. What the server doesn't know gets an empty result, so that no socket waits for its timeout.
 */
export function answerQuery(query: BinaryNode): BinaryNode {
  const answer = answers[query.attrs.xmlns ?? '']
  return resultOf(query, answer?.(query))
}

const answers: { readonly [namespace: string]: (query: BinaryNode) => BinaryNode[] | undefined } = {
  privacy: query => (query.attrs.type === 'get' ? [privacy()] : undefined),
  blocklist: () => [node('list')],
  abt: () => [node('props', { protocol: '1', hash: 'loopback' })],
  w: () => [node('props', { protocol: '2', hash: 'loopback' })],
  'w:m': () => [
    node('media_conn', { auth: 'loopback', ttl: '300', auth_ttl: '300', max_buckets: '1' }, [
      node('host', { hostname: '127.0.0.1' }),
    ]),
  ],
  'w:mex': () => [node('result', {}, Buffer.from('{"data":{}}'))],
  'w:sync:app:state': query => {
    const collections = getBinaryNodeChildren(getBinaryNodeChild(query, 'sync'), 'collection')
    const unchanged = collections.map(({ attrs }) =>
      node('collection', { name: attrs.name, version: attrs.version }),
    )
    return [node('sync', {}, unchanged)]
  },
}

function privacy(): BinaryNode {
  const names = ['readreceipts', 'last', 'status', 'profile', 'online', 'groupadd']
  const categories = names.map(name => node('category', { name, value: 'all' }))
  return node('privacy', {}, categories)
}

/** The stanza that gives a client the routing information that it sends on its next connection. */
export function edgeRouting(): BinaryNode {
  const info = node('routing_info', {}, Buffer.from([8, 2, 8, 5]))
  return node('ib', { from: S_WHATSAPP_NET }, [node('edge_routing', {}, [info])])
}
