/**
 * Addresses of pictures: a temporary link plus what the server should do to the image on the way.
 */

/**
 * The link of a smaller copy that covers `width` × `height` pixels; the server turns it upright.
 */
export function thumbnail(url: string, width: number, height: number): string {
  if (url === '') return ''
  // `!WxHr` scales until both sides are at least as long as asked for.
  return withProcessing(url, `imageMogr2/thumbnail/!${width}x${height}r`)
}

/** The link of a copy for the full screen: no side longer than `side` pixels. */
export function fullScreen(url: string, side: number): string {
  return url === '' ? '' : withProcessing(url, `imageMogr2/thumbnail/${side}x${side}`)
}

function withProcessing(url: string, steps: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${steps}`
}

/**
 * Keeps the first link seen of every picture for a while: each answer carries fresh links, and a
 * changed address would make the browser fetch and flash the same picture again.
 */
export class LinkKeeper {
  private readonly kept = new Map<string, { url: string; sinceMs: number }>()

  /** Links older than `lastsMs` are replaced; keep it well below their real life. */
  constructor(private readonly lastsMs: number) {}

  /** The link to use for picture `id`, of which the server has just given `url`. */
  keep(id: string, url: string, nowMs: number): string {
    const known = this.kept.get(id)
    if (known && nowMs - known.sinceMs < this.lastsMs) return known.url
    if (url !== '') this.kept.set(id, { url, sinceMs: nowMs })
    return url
  }

  /** Forgets one picture, after its link failed. */
  forget(id: string): void {
    this.kept.delete(id)
  }
}
