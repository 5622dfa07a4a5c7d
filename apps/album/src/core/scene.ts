/**
 * The scene of a mini-program code and the addresses that carry it.
 */

/** The scene in a page's `scene` parameter, or '' when it is none; WeChat hands it over encoded. */
export function readScene(value: unknown): string {
  if (typeof value !== 'string') return ''
  let plain = value
  try {
    plain = decodeURIComponent(value)
  } catch {
    // A lone % is not an encoding; take the text as it is.
  }
  return /^[A-Za-z0-9-]{6,32}$/.test(plain) ? plain : ''
}

/** The link a browser opens for a scene. */
export function sceneLink(origin: string, scene: string): string {
  return `${origin}/?scene=${encodeURIComponent(scene)}`
}

/** The page of the app that a scene opens. */
export function landingPage(scene: string): string {
  return `/pages/landing/landing?scene=${encodeURIComponent(scene)}`
}
