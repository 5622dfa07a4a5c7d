/**
 * What the pages share: the typed calls, who I am, the links of pictures and the feed of each
 * album. Signing in happens once, silently; a failed try is forgotten so that the next page asks
 * again.
 */
import { reactive, ref } from 'vue'
import { AlbumApi, type Profile } from '../core/api'
import { PhotoFeed } from '../core/photo-feed'
import { LinkKeeper } from '../core/pictures'
import { port, switchableUsers } from './cloud'

/** The album's functions. */
export const api = new AlbumApi(port)

/** Links last two hours on the server; the half of it is safe to show again. */
export const links = new LinkKeeper(60 * 60 * 1000)

/** Me, once signed in. */
export const profile = ref<Profile | null>(null)

let flight: Promise<Profile> | null = null

/** Signs in silently; every caller shares one flight. */
export function signIn(): Promise<Profile> {
  if (!flight) {
    flight = enter()
    flight.catch(() => {
      flight = null
    })
  }
  return flight
}

async function enter(): Promise<Profile> {
  const users = await switchableUsers()
  const hint = users.find((user) => user.current)?.nickname
  const me = await api.login(hint ? { hint } : {})
  profile.value = me
  return me
}

/** Changes my nickname. */
export async function rename(name: string): Promise<void> {
  const me = await api.login({ name })
  profile.value = me
  flight = Promise.resolve(me)
}

const feeds = new Map<string, PhotoFeed>()

/** The photos of an album, the same object for the grid and the viewer. */
export function feedOf(albumId: string): PhotoFeed {
  const known = feeds.get(albumId)
  if (known) return known
  const feed = reactive(new PhotoFeed(albumId, api, links, () => Date.now())) as PhotoFeed
  feeds.set(albumId, feed)
  return feed
}

/** Forgets an album that was deleted or left. */
export function dropFeed(albumId: string): void {
  feeds.delete(albumId)
}
