/**
 * The photos of one album as pages see them: loaded in steps, newest first, shared by grid and
 * viewer. Also how a like behaves between the tap and the answer. It draws nothing.
 */
import type { AlbumApi, Photo } from './api'
import { type AlbumFailure, asFailure } from './failure'
import type { LinkKeeper } from './pictures'
import { dayHeading } from './words'

/** Photos of one day, under its heading. */
export interface PhotoDay {
  key: string
  title: string
  detail: string
  photos: Photo[]
}

const PER_PAGE = 30
/** Two taps closer than this are one gesture: a nervous double tap must not take the like back. */
const ONE_GESTURE_MS = 450

/** The photos of one album. Fields are plain so that a framework may watch them. */
export class PhotoFeed {
  photos: Photo[] = []
  more = true
  loading = false
  ownsAlbum = false
  failure: AlbumFailure | null = null
  loadedOnce = false
  private lastTapMs = new Map<string, number>()
  private wished = new Map<string, boolean>()

  constructor(
    readonly albumId: string,
    private readonly api: AlbumApi,
    private readonly links: LinkKeeper,
    private readonly now: () => number,
  ) {}

  /** Loads the newest photos again and keeps as many as were shown. */
  async refresh(): Promise<void> {
    const wanted = Math.min(60, Math.max(PER_PAGE, this.photos.length))
    await this.load(async () => {
      const page = await this.api.photos(this.albumId, 0, wanted)
      this.photos = page.photos.map((photo) => this.linked(photo))
      this.ownsAlbum = page.mine
      this.more = page.more
    })
  }

  /** Loads the next step, unless one is under way or all is here. */
  async loadMore(): Promise<void> {
    if (!this.more) return
    await this.load(async () => {
      const page = await this.api.photos(this.albumId, this.photos.length, PER_PAGE)
      const known = new Set(this.photos.map((photo) => photo.id))
      const fresh = page.photos.filter((photo) => !known.has(photo.id))
      this.photos = [...this.photos, ...fresh.map((photo) => this.linked(photo))]
      this.more = page.more
    })
  }

  /** Loads on until photo `id` is here; false when the album has none. */
  async loadUntil(id: string): Promise<boolean> {
    if (!this.loadedOnce) await this.refresh()
    while (!this.find(id) && this.more && !this.failure) await this.loadMore()
    return this.find(id) !== undefined
  }

  find(id: string): Photo | undefined {
    return this.photos.find((photo) => photo.id === id)
  }

  /** Deletes a photo, here and there. */
  async remove(id: string): Promise<void> {
    await this.api.deletePhoto(id)
    this.photos = this.photos.filter((photo) => photo.id !== id)
  }

  /** The like button: the other way, but a double tap counts once. */
  async tapLike(id: string): Promise<void> {
    const photo = this.find(id)
    const before = this.lastTapMs.get(id) ?? 0
    const nowMs = this.now()
    this.lastTapMs.set(id, nowMs)
    if (!photo || nowMs - before < ONE_GESTURE_MS) return
    await this.setLike(photo, !photo.liked)
  }

  /** A double tap on the picture: like it, never take a like back. */
  async doubleTap(id: string): Promise<void> {
    const photo = this.find(id)
    this.lastTapMs.set(id, this.now())
    if (photo && !photo.liked) await this.setLike(photo, true)
  }

  /** Shows the wish at once, then sends wishes one after another until the last one is true. */
  private async setLike(photo: Photo, liked: boolean): Promise<void> {
    const sending = this.wished.has(photo.id)
    this.wished.set(photo.id, liked)
    const shown = { liked: photo.liked, likeCount: photo.likeCount }
    this.patch(photo.id, { liked, likeCount: Math.max(0, photo.likeCount + (liked ? 1 : -1)) })
    if (sending) return
    try {
      for (;;) {
        const wish = this.wished.get(photo.id) ?? liked
        const truth = await this.api.like(photo.id, wish)
        if (this.wished.get(photo.id) === wish) {
          this.patch(photo.id, truth)
          return
        }
      }
    } catch (cause) {
      this.patch(photo.id, shown)
      throw asFailure(cause)
    } finally {
      this.wished.delete(photo.id)
    }
  }

  /** Changes what is known of one photo. */
  patch(id: string, change: Partial<Photo>): void {
    this.photos = this.photos.map((photo) => (photo.id === id ? { ...photo, ...change } : photo))
  }

  private linked(photo: Photo): Photo {
    return { ...photo, url: this.links.keep(photo.id, photo.url, this.now()) }
  }

  private async load(step: () => Promise<void>): Promise<void> {
    if (this.loading) return
    this.loading = true
    this.failure = null
    try {
      await step()
      this.loadedOnce = true
    } catch (cause) {
      this.failure = asFailure(cause)
    } finally {
      this.loading = false
    }
  }
}

/** Photos under the headings of their days, in the order they came. */
export function byDay(photos: readonly Photo[], nowMs: number): PhotoDay[] {
  const days: PhotoDay[] = []
  for (const photo of photos) {
    const { title, detail } = dayHeading(photo.createdAt, nowMs)
    const key = `${title}${detail}`
    const last = days[days.length - 1]
    if (last && last.key === key) last.photos.push(photo)
    else days.push({ key, title, detail, photos: [photo] })
  }
  return days
}
