// Sends with RudderStack's own client a call of every kind, and carts with the numbers from 0 to COUNT - 1.
//   node rudder.mjs DATA_PLANE KEY COUNT
import { promisify } from 'node:util'
import RudderAnalytics from '@rudderstack/rudder-sdk-node'

const [dataPlaneUrl, writeKey, count] = process.argv.slice(2)
const options = { dataPlaneUrl, flushAt: 10, flushInterval: 100, retryCount: 10, logLevel: 'none' }
const client = new RudderAnalytics(writeKey, options)
const sent = (kind, message) => promisify(client[kind].bind(client))({ userId: 'node-user', ...message })

const calls = [
  sent('identify', { traits: { email: 'node@shop.example' } }),
  sent('page', { name: 'Home' }),
  sent('screen', { name: 'Start' }),
  sent('group', { groupId: 'g1' }),
  sent('alias', { previousId: 'before' }),
]
for (let number = 0; number < Number(count); number += 1) {
  calls.push(sent('track', { event: 'Cart Left', properties: { number } }))
}
await Promise.all(calls)
