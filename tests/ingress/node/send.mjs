// Sends with Segment's own client every kind of call, or many track calls: a quarter, and the rest once a line comes in.
//   node send.mjs HOST KEY kinds
//   node send.mjs HOST KEY many COUNT
import { once } from 'node:events'
import { Analytics } from '@segment/analytics-node'

const [host, writeKey, what, count] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, path: '/v1/batch', flushAt: 15, flushInterval: 100, maxRetries: 30 })
analytics.on('error', (error) => console.error(JSON.stringify(error)))

const userId = 'node-user'
if (what === 'kinds') {
  analytics.identify({ userId, traits: { email: 'node@shop.example' } })
  analytics.track({ userId, event: 'Cart Left', properties: { cart: { total: 80 } } })
  analytics.page({ userId, name: 'Home' })
  analytics.screen({ userId, name: 'Start' })
  analytics.group({ userId, groupId: 'g1' })
  analytics.alias({ userId, previousId: 'before' })
} else {
  for (let number = 0; number < Number(count); number += 1) {
    analytics.track({ userId: `node-${number % 7}`, event: 'Cart Left', properties: { number } })
    if (number === Math.floor(Number(count) / 4)) await once(process.stdin, 'data')
  }
}
await analytics.closeAndFlush({ timeout: 120_000 })
process.stdin.destroy()
