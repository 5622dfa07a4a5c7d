/**
 * What the library needs from where it runs: requests, uploads, downloads, a small store and a way
 * to sign in. Two adapters provide it, for mini programs and for browsers and Node. Nothing outside
 * the adapters touches `wx`, `fetch`, `document` or `process`.
 */

import type { Cabinet } from './cabinet';
import { webPlatform } from './platform-web';
import { isMiniProgram, wxPlatform } from './platform-wx';

/** One HTTP request; a body that is a string is JSON text unless a header says otherwise. */
export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | ArrayBuffer;
  /** Give up after so many milliseconds. */
  timeoutMs: number;
  /** `arraybuffer` for raw bytes, else text. */
  responseType?: 'text' | 'arraybuffer';
}

/** An answer of any status; `data` is text, or bytes when bytes were asked for. */
export interface Response {
  status: number;
  headers: Record<string, string>;
  data: string | ArrayBuffer;
}

/** How far a transfer has come; totals are 0 while unknown. */
export interface Progress {
  sentBytes: number;
  totalBytes: number;
}

/** A transfer that can be watched and stopped. */
export interface Transfer<T> {
  done: Promise<T>;
  abort(): void;
}

/** What the caller of a transfer wants to hear about. */
export interface Watcher {
  progress(progress: Progress): void;
  headers(headers: Record<string, string>): void;
}

/** What can be uploaded; a string is a path (mini program, Node). */
export type FileSource = string | Blob | ArrayBuffer | ArrayBufferView;

/** A form upload: `fields` in their order, then the file. */
export interface Upload {
  url: string;
  fields: [name: string, value: string][];
  file: FileSource;
  fileName: string;
  headers: Record<string, string>;
}

/** Where the library runs. */
export interface Platform {
  kind: 'miniprogram' | 'browser' | 'node';
  /** Address to use when `init` names none: a page's own origin. */
  defaultEndpoint: string;
  cabinet: Cabinet;
  /** Resolves for every status; rejects with a network `CloudError` when there is no answer. */
  request(request: Request): Promise<Response>;
  upload(upload: Upload, watcher: Watcher): Transfer<{ status: number; data: string }>;
  /** Fetches `url` into a place of the platform: a temporary file, or a `blob:` address. */
  download(url: string, watcher: Watcher): Transfer<{ status: number; path: string }>;
  /** A fresh code of `wx.login`; only mini programs have one. */
  loginCode?(): Promise<string>;
}

/** The adapter for the place this code runs in now. */
export function detectPlatform(): Platform {
  return isMiniProgram() ? wxPlatform() : webPlatform();
}
