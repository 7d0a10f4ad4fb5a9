// Offers and the inbox of a visitor, asked of the door that this comes from. docs/http.md tells how.
(() => {
  const home = document.currentScript.src.replace(/\/parcours\.js.*$/, '')
  const KEPT = 'parcours_anonymous_id'

  // The id that a visitor without name had before; a new one where the browser keeps none.
  const visitorId = () => {
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(16)))
    const fresh = bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')
    try {
      return (localStorage[KEPT] = localStorage[KEPT] || fresh)
    } catch {
      return fresh
    }
  }

  window.parcours = ({key, door = home, userId, userHash, anonymousId}) => {
    const who = userId ? {userId, userHash} : {anonymousId: anonymousId || visitorId()}

    // Told to come again it does so twice. `keepalive` has it arrive though the page is left.
    const post = async (path, body, keepalive, again = 2) => {
      const headers = {Authorization: `Bearer ${key}`}
      const answer = await fetch(door + path, {method: 'POST', headers, keepalive, body: JSON.stringify(body)})
      if (answer.status === 429 && again) {
        await new Promise(go => setTimeout(go, 1000 * (answer.headers.get('Retry-After') || 1)))
        return post(path, body, keepalive, again - 1)
      }
      const told = await answer.json()
      if (!answer.ok) throw new Error(`${path}: ${told.message}`)
      return told
    }

    // Of an offer that is nobody's, such as a fallback in time of need, there is nothing to tell.
    const tell = mark => async ({proposition}) =>
      proposition ? post('/v1/proposition', {...who, proposition, mark}, true) : {success: false}

    return {
      decide: async (decisions, more) =>
        (await post('/v1/decisions', {...more, ...who, decisions: [decisions].flat()})).decisions,
      shown: tell('shown'),
      clicked: tell('clicked'),
      dismissed: tell('dismissed'),

      // `changed` gets all entries now and after each change; `lost` is called once the token is good no more.
      inbox: (token, changed, lost = () => {}) => {
        const name = encodeURIComponent(userId || `@anonymous/${who.anonymousId}`)
        const stream = new EventSource(`${door}/inbox/${name}?token=${token}`)
        let entries = []
        const on = (event, change) =>
          stream.addEventListener(event, ({data}) => changed((entries = change(JSON.parse(data)))))
        const but = id => entries.filter(entry => entry.id !== id)
        on('list', told => told.entries)
        on('message', entry => [entry, ...but(entry.id)].sort((one, other) => other.pinned - one.pinned))
        on('seen', ({id}) => entries.map(entry => (entry.id === id ? {...entry, seen: true} : entry)))
        on('withdrawn', ({id}) => but(id))
        stream.onerror = () => stream.readyState === EventSource.CLOSED && lost()
        return () => stream.close()
      },
      react: ({token}, reaction, link) => post(`/r/${token}`, {reaction, link}, true)
    }
  }
})()
