// Sends every kind of call, or many track calls, with Segment's own client: node send.mjs HOST KEY kinds|many
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
    if (number % 50 === 49) await new Promise((done) => setTimeout(done, 200))
  }
}
await analytics.closeAndFlush({ timeout: 120_000 })
