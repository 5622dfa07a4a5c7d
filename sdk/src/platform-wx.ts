/**
 * The mini-program adapter: `wx.request`, `wx.uploadFile`, `wx.downloadFile`, `wx.login` and
 * storage. Domains must be listed in the mini program's settings; this file cannot help where they
 * are not.
 */

import { lenient } from './cabinet';
import { networkFailure } from './failure';
import { lowerCased } from './json';
import type { Platform, Request, Response, Transfer, Upload, Watcher } from './platform';

interface WxTask {
  abort(): void;
  onProgressUpdate?(listener: (event: any) => void): void;
  onHeadersReceived?(listener: (event: { header: Record<string, string> }) => void): void;
}

/** The part of `wx` that is used here. */
interface Wx {
  request(options: object): WxTask;
  uploadFile(options: object): WxTask;
  downloadFile(options: object): WxTask;
  login(options: object): void;
  getStorageSync(key: string): unknown;
  setStorageSync(key: string, value: unknown): void;
  removeStorageSync(key: string): void;
  getFileSystemManager?(): { writeFile(options: object): void };
  env?: { USER_DATA_PATH?: string };
}

declare const wx: Wx | undefined;

/**
 * Whether this is a mini program: pages inside WeChat's browser have a `wx` too, without requests,
 * and uni-app lends its pages one with requests. Only a mini program has no document.
 */
export function isMiniProgram(): boolean {
  return (
    typeof document === 'undefined' &&
    typeof wx === 'object' &&
    wx !== null &&
    [wx.request, wx.uploadFile, wx.login].every((f) => typeof f === 'function')
  );
}

/** The adapter; `wx` is read at every call, so that tests and tools may replace its functions. */
export function wxPlatform(): Platform {
  return {
    kind: 'miniprogram',
    defaultEndpoint: '',
    cabinet: lenient({
      get: (key) => api().getStorageSync(key) as string,
      set: (key, value) => api().setStorageSync(key, value),
      remove: (key) => api().removeStorageSync(key),
    }),
    request,
    upload,
    download,
    loginCode,
  };
}

function api(): Wx {
  return wx as Wx;
}

function reason(error: { errMsg?: string }): Error {
  return networkFailure((error?.errMsg || 'request failed').replace(/^\w+:fail ?/, ''));
}

function request(request: Request): Promise<Response> {
  return new Promise((resolve, reject) => {
    api().request({
      url: request.url,
      method: request.method,
      header: request.headers,
      data: request.body,
      timeout: request.timeoutMs,
      // Text, not JSON: the library parses by itself and must see bodies that are not JSON.
      dataType: 'text',
      responseType: request.responseType || 'text',
      success: (res: { statusCode: number; header: Record<string, string>; data: unknown }) =>
        resolve({
          status: res.statusCode,
          headers: lowerCased(res.header),
          data: res.data as string | ArrayBuffer,
        }),
      fail: (error: { errMsg?: string }) => reject(reason(error)),
    });
  });
}

function upload(upload: Upload, watcher: Watcher): Transfer<{ status: number; data: string }> {
  let task: WxTask | undefined;
  let aborted = false;
  const send = (filePath: string) =>
    new Promise<{ status: number; data: string }>((resolve, reject) => {
      if (aborted) return reject(networkFailure('abort'));
      const formData: Record<string, string> = {};
      for (const [name, value] of upload.fields) formData[name] = value;
      task = api().uploadFile({
        url: upload.url,
        filePath,
        name: 'file',
        header: upload.headers,
        formData,
        success: (res: { statusCode: number; data: string }) =>
          resolve({ status: res.statusCode, data: res.data }),
        fail: (error: { errMsg?: string }) => reject(reason(error)),
      });
      task?.onProgressUpdate?.((event) =>
        watcher.progress({
          sentBytes: event.totalBytesSent,
          totalBytes: event.totalBytesExpectedToSend,
        }),
      );
      task?.onHeadersReceived?.((event) => watcher.headers(event.header));
    });
  return {
    done: pathOf(upload).then(send),
    abort: () => {
      aborted = true;
      task?.abort();
    },
  };
}

// wx.uploadFile takes paths alone, so bytes go through a file of the mini program.
function pathOf(upload: Upload): Promise<string> {
  const { file } = upload;
  if (typeof file === 'string') return Promise.resolve(file);
  const manager = api().getFileSystemManager?.();
  const folder = api().env?.USER_DATA_PATH;
  if (!manager || !folder || !(file instanceof ArrayBuffer)) {
    return Promise.reject(networkFailure('a mini program uploads a file path or an ArrayBuffer'));
  }
  const filePath = `${folder}/yunkai-${Date.now()}-${Math.random().toString(16).slice(2)}`;
  return new Promise((resolve, reject) =>
    manager.writeFile({
      filePath,
      data: file,
      success: () => resolve(filePath),
      fail: (error: { errMsg?: string }) => reject(reason(error)),
    }),
  );
}

function download(url: string, watcher: Watcher): Transfer<{ status: number; path: string }> {
  let task: WxTask | undefined;
  const done = new Promise<{ status: number; path: string }>((resolve, reject) => {
    task = api().downloadFile({
      url,
      success: (res: { statusCode: number; tempFilePath: string }) =>
        resolve({ status: res.statusCode, path: res.tempFilePath }),
      fail: (error: { errMsg?: string }) => reject(reason(error)),
    });
    task?.onProgressUpdate?.((event) =>
      watcher.progress({
        sentBytes: event.totalBytesWritten,
        totalBytes: event.totalBytesExpectedToWrite,
      }),
    );
    task?.onHeadersReceived?.((event) => watcher.headers(event.header));
  });
  return { done, abort: () => task?.abort() };
}

function loginCode(): Promise<string> {
  return new Promise((resolve, reject) =>
    api().login({
      success: (res: { code: string }) => resolve(res.code),
      fail: (error: { errMsg?: string }) => reject(reason(error)),
    }),
  );
}
