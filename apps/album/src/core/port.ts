/**
 * What the album needs from a cloud: call a function, send a file. The pages and the rest of `core`
 * know nothing else of it, so another cloud or another framework costs one adapter.
 */

/** A transfer under way; `done` gives the file id. */
export interface Transfer {
  readonly done: Promise<string>
  /** Stops the transfer; `done` rejects then. */
  abort(): void
}

/** A file the platform can send: a path in a mini program, a Blob in a browser. */
export type FileSource = string | Blob

/** One file on its way to `cloudPath`. */
export interface Sending {
  cloudPath: string
  file: FileSource
  /** Called with a part of 1 while bytes leave. */
  onProgress(part: number): void
}

/** The cloud, as far as the album uses it. */
export interface CloudPort {
  /** What the function returned, unchecked: `decode.ts` looks at it. */
  call(name: string, data: Readonly<Record<string, unknown>>): Promise<unknown>
  send(sending: Sending): Transfer
}
