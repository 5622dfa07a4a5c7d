/**
 * The adapter for browsers and Node ≥ 20: `fetch`, `XMLHttpRequest` for upload progress in
 * browsers, and files of the machine in Node. It keeps credentials in a browser's localStorage and,
 * in Node, nowhere: a process forgets its users.
 */

import { lenient, NO_CABINET } from './cabinet';
import { badParameter, CloudError, networkFailure } from './failure';
import type {
  FileSource,
  Platform,
  Request,
  Response,
  Transfer,
  Upload,
  Watcher,
} from './platform';

/**
 * The part of Node's `process` that is used here; builtins are asked for, so no bundler sees them.
 */
interface NodeProcess {
  versions?: { node?: string };
  getBuiltinModule?(name: string): any;
}

declare const process: NodeProcess | undefined;

/** The adapter for this browser or Node process. */
export function webPlatform(): Platform {
  const inPage = typeof document !== 'undefined' && typeof location !== 'undefined';
  const inNode = !inPage && typeof process !== 'undefined' && !!process.versions?.node;
  return {
    kind: inNode ? 'node' : 'browser',
    defaultEndpoint: inPage && /^https?:/.test(location.protocol) ? location.origin : '',
    cabinet: inPage ? pageCabinet : NO_CABINET,
    request,
    upload: typeof XMLHttpRequest === 'undefined' ? uploadByFetch : uploadByXhr,
    download,
  };
}

// localStorage throws where cookies are blocked; then users sign in again at every start.
const pageCabinet = lenient({
  get: (key) => localStorage.getItem(key),
  set: (key, value) => localStorage.setItem(key, value),
  remove: (key) => localStorage.removeItem(key),
});

function reason(error: unknown): Error {
  if (error instanceof CloudError) return error;
  const { name, message, cause } = error as { name?: string; message?: string; cause?: any };
  if (name === 'AbortError') return networkFailure('abort');
  if (name === 'TimeoutError') return networkFailure('timeout');
  const detail = cause?.message || cause?.code || message || String(error);
  return networkFailure(`request failed: ${detail}`);
}

async function request(request: Request): Promise<Response> {
  const stop = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop.abort();
  }, request.timeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: stop.signal,
    });
    const bytes = request.responseType === 'arraybuffer';
    return {
      status: response.status,
      headers: headersOf(response),
      data: bytes ? await response.arrayBuffer() : await response.text(),
    };
  } catch (error) {
    throw late ? networkFailure('timeout') : reason(error);
  } finally {
    clearTimeout(timer);
  }
}

function headersOf(response: globalThis.Response): Record<string, string> {
  const headers: Record<string, string> = {};
  response.headers.forEach((value, name) => {
    headers[name] = value;
  });
  return headers;
}

/** A builtin of Node; the sentence says what to do where there is none. */
function builtin(name: string): any {
  const found = typeof process !== 'undefined' && process.getBuiltinModule?.(`node:${name}`);
  if (!found) throw badParameter('a file path needs Node ≥ 20.16; give a Blob or bytes instead');
  return found;
}

async function blobOf(file: FileSource): Promise<Blob> {
  if (typeof Blob !== 'undefined' && file instanceof Blob) return file;
  if (typeof file !== 'string') return new Blob([file as ArrayBuffer]);
  if (file.startsWith('blob:') || file.startsWith('data:')) return (await fetch(file)).blob();
  if (typeof document !== 'undefined') {
    throw badParameter('in a browser filePath is a File, a Blob, bytes or a blob: address');
  }
  return builtin('fs').openAsBlob(file);
}

function uploadByXhr(upload: Upload, watcher: Watcher): Transfer<{ status: number; data: string }> {
  const xhr = new XMLHttpRequest();
  let aborted = false;
  const send = (blob: Blob) =>
    new Promise<{ status: number; data: string }>((resolve, reject) => {
      if (aborted) return reject(networkFailure('abort'));
      const form = new FormData();
      for (const [name, value] of upload.fields) form.append(name, value);
      form.append('file', blob, upload.fileName);
      xhr.open('POST', upload.url);
      for (const name of Object.keys(upload.headers)) {
        xhr.setRequestHeader(name, upload.headers[name] as string);
      }
      xhr.upload.onprogress = (event) =>
        watcher.progress({ sentBytes: event.loaded, totalBytes: event.total });
      xhr.onreadystatechange = () => {
        if (xhr.readyState === 2) watcher.headers(headersOfXhr(xhr));
      };
      xhr.onload = () => resolve({ status: xhr.status, data: xhr.responseText });
      xhr.onerror = () => reject(networkFailure('request failed'));
      xhr.onabort = () => reject(networkFailure('abort'));
      xhr.send(form);
    });
  const abort = () => {
    aborted = true;
    xhr.abort();
  };
  return { done: blobOf(upload.file).then(send), abort };
}

function headersOfXhr(xhr: XMLHttpRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of xhr
    .getAllResponseHeaders()
    .trim()
    .split(/[\r\n]+/)) {
    const colon = line.indexOf(':');
    if (colon > 0)
      headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/** Node's fetch does not tell how far it is, so the form is sent as a stream that is counted. */
function uploadByFetch(
  upload: Upload,
  watcher: Watcher,
): Transfer<{ status: number; data: string }> {
  const stop = new AbortController();
  const send = async (file: Blob) => {
    const boundary = `----yunkai${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`;
    const form = formBlob(upload, file, boundary);
    const counted = form.stream().pipeThrough(counter(form.size, watcher));
    const init = {
      method: 'POST',
      body: counted,
      duplex: 'half',
      signal: stop.signal,
      headers: {
        ...upload.headers,
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': String(form.size),
      },
    };
    try {
      const response = await fetch(upload.url, init as RequestInit);
      watcher.headers(headersOf(response));
      return { status: response.status, data: await response.text() };
    } catch (error) {
      throw reason(error);
    }
  };
  return { done: blobOf(upload.file).then(send), abort: () => stop.abort() };
}

function formBlob(upload: Upload, file: Blob, boundary: string): Blob {
  const quoted = (text: string) =>
    text.replace(
      /[\r\n"]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
  const head = upload.fields
    .map(([name, value]) => part(`name="${quoted(name)}"`, `\r\n\r\n${value}\r\n`))
    .join('');
  const type = file.type || 'application/octet-stream';
  const start = part(
    `name="file"; filename="${quoted(upload.fileName)}"`,
    `\r\nContent-Type: ${type}\r\n\r\n`,
  );
  return new Blob([head, start, file, `\r\n--${boundary}--\r\n`]);

  function part(disposition: string, rest: string): string {
    return `--${boundary}\r\nContent-Disposition: form-data; ${disposition}${rest}`;
  }
}

function counter(totalBytes: number, watcher: Watcher): TransformStream<Uint8Array, Uint8Array> {
  let sentBytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      sentBytes += chunk.byteLength;
      watcher.progress({ sentBytes, totalBytes });
      controller.enqueue(chunk);
    },
  });
}

function download(url: string, watcher: Watcher): Transfer<{ status: number; path: string }> {
  const stop = new AbortController();
  const receive = async () => {
    try {
      const response = await fetch(url, { signal: stop.signal });
      watcher.headers(headersOf(response));
      const totalBytes = Number(response.headers.get('content-length')) || 0;
      const type = response.headers.get('content-type') || '';
      const counted = response.body?.pipeThrough(counter(totalBytes, watcher));
      const bytes = await new globalThis.Response(counted).arrayBuffer();
      if (response.status !== 200) return { status: response.status, path: '' };
      return { status: 200, path: await place(bytes, type, url) };
    } catch (error) {
      throw reason(error);
    }
  };
  return { done: receive(), abort: () => stop.abort() };
}

/** Puts downloaded bytes where the caller can use them: a `blob:` address, or a temporary file. */
async function place(bytes: ArrayBuffer, type: string, url: string): Promise<string> {
  if (typeof document !== 'undefined') return URL.createObjectURL(new Blob([bytes], { type }));
  const path = builtin('path');
  const files = builtin('fs').promises;
  const folder: string = await files.mkdtemp(path.join(builtin('os').tmpdir(), 'yunkai-'));
  const ending = /\.[A-Za-z0-9]{1,8}$/.exec(new URL(url).pathname);
  const target: string = path.join(folder, `file${ending ? ending[0] : ''}`);
  await files.writeFile(target, new Uint8Array(bytes));
  return target;
}
