/**
 * Uploads several pictures: at most three at a time, each with its own progress; failed ones are
 * tried again alone, and a picture keeps its id, so no retry makes a second photo. It draws
 * nothing and knows no platform; pages look at `items` after `changed`.
 */
import type { NewPhoto } from './api'
import { AlbumFailure, asFailure } from './failure'
import type { FileSource, Sending, Transfer } from './port'

/** A picture the user chose; `preview` is an address an image element can show. */
export interface Picture {
  name: string
  file: FileSource
  preview: string
  extension: string
  width: number
  height: number
  size: number
}

/** waiting → sending → saving → done; failed and cancelled end a try. */
export type UploadState = 'waiting' | 'sending' | 'saving' | 'done' | 'failed' | 'cancelled'

/** One row of the queue; `progress` is a part of 1, `problem` a sentence when it failed. */
export interface UploadItem {
  readonly photoId: string
  readonly picture: Picture
  state: UploadState
  progress: number
  problem: string
}

/** What the queue works with. */
export interface UploadTools {
  send(sending: Sending): Transfer
  save(photo: NewPhoto): Promise<void>
  newId(): string
  /** Called after every change of `items`. */
  changed(): void
  /** Called once for each photo that is in the album. */
  added(photoId: string): void
}

/** Where the photos go. */
export interface UploadTarget {
  albumId: string
  folder: string
}

const PARALLEL = 3
const MOST_BYTES = 50 * 1024 * 1024

/** The uploads of one album page. */
export class UploadQueue {
  items: UploadItem[] = []
  private readonly transfers = new Map<string, Transfer>()
  /** File ids of sent files whose record is not saved yet. */
  private readonly sent = new Map<string, string>()

  constructor(
    private readonly target: UploadTarget,
    private readonly tools: UploadTools,
  ) {}

  /** Puts pictures in line and starts. */
  add(pictures: readonly Picture[]): void {
    for (const picture of pictures) {
      const tooBig = picture.size > MOST_BYTES
      this.items.push({
        photoId: this.tools.newId(),
        picture,
        state: tooBig ? 'failed' : 'waiting',
        progress: 0,
        problem: tooBig ? '超过 50 MB，换一张小一点的吧' : '',
      })
    }
    this.pump()
  }

  /** Puts the failed ones, and only them, in line again. */
  retryFailed(): void {
    for (const item of this.items) {
      if (item.state !== 'failed' || item.picture.size > MOST_BYTES) continue
      item.state = 'waiting'
      item.problem = ''
    }
    this.pump()
  }

  /** Stops one picture; what is saved already stays. */
  cancel(photoId: string): void {
    const item = this.items.find((entry) => entry.photoId === photoId)
    if (!item || item.state === 'done' || item.state === 'saving') return
    item.state = 'cancelled'
    this.transfers.get(photoId)?.abort()
    this.pump()
  }

  /** Stops everything that is not saved yet. */
  cancelAll(): void {
    for (const item of this.items) this.cancel(item.photoId)
  }

  /** Forgets rows that are over, failed ones too. */
  clear(): void {
    this.items = this.items.filter((item) => this.isActive(item))
    this.tools.changed()
  }

  /** Whether anything still moves. */
  get busy(): boolean {
    return this.items.some((item) => this.isActive(item))
  }

  private isActive(item: UploadItem): boolean {
    return item.state === 'waiting' || item.state === 'sending' || item.state === 'saving'
  }

  private pump(): void {
    let running = this.items.filter(
      (item) => item.state === 'sending' || item.state === 'saving',
    ).length
    for (const item of this.items) {
      if (running >= PARALLEL) break
      if (item.state !== 'waiting') continue
      running += 1
      item.state = 'sending'
      void this.run(item)
    }
    this.tools.changed()
  }

  private async run(item: UploadItem): Promise<void> {
    try {
      const fileID = this.sent.get(item.photoId) ?? (await this.sendFile(item))
      this.sent.set(item.photoId, fileID)
      if (item.state === 'sending') await this.saveRecord(item, fileID)
    } catch (cause) {
      this.transfers.delete(item.photoId)
      if (item.state !== 'cancelled') {
        item.state = 'failed'
        item.problem = this.reason(cause)
      }
    }
    this.pump()
  }

  private async sendFile(item: UploadItem): Promise<string> {
    item.progress = 0
    const { folder, albumId } = this.target
    const transfer = this.tools.send({
      cloudPath: `photos/${folder}/${albumId}/${item.photoId}.${item.picture.extension}`,
      file: item.picture.file,
      onProgress: (part) => {
        if (item.state !== 'sending') return
        item.progress = Math.min(1, Math.max(item.progress, part))
        this.tools.changed()
      },
    })
    this.transfers.set(item.photoId, transfer)
    const fileID = await transfer.done
    this.transfers.delete(item.photoId)
    return fileID
  }

  private async saveRecord(item: UploadItem, fileID: string): Promise<void> {
    item.progress = 1
    item.state = 'saving'
    this.tools.changed()
    const { width, height, size } = item.picture
    const { albumId } = this.target
    await this.tools.save({ albumId, photoId: item.photoId, fileID, width, height, size })
    item.state = 'done'
    this.sent.delete(item.photoId)
    this.tools.added(item.photoId)
  }

  private reason(cause: unknown): string {
    if (cause instanceof AlbumFailure) return cause.message
    const failure = asFailure(cause)
    return failure.code === 'NETWORK' ? failure.message : '没有传上去，点重试再来一次'
  }
}
