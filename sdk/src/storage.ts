/**
 * Files: upload by the form the server hands out, download by temporary links, links and deletion
 * (protocol 04 §2). Bytes go straight between the platform's adapter and the address of the
 * server's choice; this file only knows the calls around that.
 */

import {
  badParameter,
  badParameterType,
  CloudError,
  ERR_CODE,
  networkFailure,
  serverErrCode,
} from './failure';
import type { FileSource, Progress, Transfer, Watcher } from './platform';
import type { Place } from './wire';

/**
 * How an upload or download is watched and stopped, as in `wx.uploadFile` and `wx.downloadFile`.
 */
export interface TransferTask<P> {
  /** Stops the transfer; the call fails with `…:fail abort`. */
  abort(): void;
  onProgressUpdate(listener: (progress: P) => void): void;
  offProgressUpdate(listener?: (progress: P) => void): void;
  onHeadersReceived(listener: (event: { header: Record<string, any> }) => void): void;
  offHeadersReceived(listener?: (event: { header: Record<string, any> }) => void): void;
}

/** Per cent and bytes of an upload. */
export interface UploadProgress {
  progress: number;
  totalBytesSent: number;
  totalBytesExpectedToSend: number;
}

/** Per cent and bytes of a download. */
export interface DownloadProgress {
  progress: number;
  totalBytesWritten: number;
  totalBytesExpectedToWrite: number;
}

/** A running transfer and the task that the caller gets for it. */
export interface Running<T, P> {
  done: Promise<T>;
  task: TransferTask<P>;
}

class Listeners<E> {
  private list: ((event: E) => void)[] = [];

  on = (listener: (event: E) => void): void => {
    if (typeof listener === 'function') this.list.push(listener);
  };

  off = (listener?: (event: E) => void): void => {
    this.list = listener ? this.list.filter((held) => held !== listener) : [];
  };

  tell(event: E): void {
    for (const listener of this.list.slice()) listener(event);
  }
}

/** Starts `begin` once its preparations are done, and lets it be aborted at any moment. */
function start<T, P>(
  begin: (watcher: Watcher, run: <R>(transfer: Transfer<R>) => Promise<R>) => Promise<T>,
  shape: (percent: number, progress: Progress) => P,
): Running<T, P> {
  const progress = new Listeners<P>();
  const headers = new Listeners<{ header: Record<string, any> }>();
  let current: Transfer<unknown> | null = null;
  let stop: (reason: CloudError) => void = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  let aborted = false;
  const watcher: Watcher = {
    progress: (event) => {
      const { sentBytes, totalBytes } = event;
      const percent =
        totalBytes > 0 ? Math.min(100, Math.floor((sentBytes / totalBytes) * 100)) : 0;
      if (!aborted) progress.tell(shape(percent, event));
    },
    headers: (header) => headers.tell({ header }),
  };
  const run = <R>(transfer: Transfer<R>): Promise<R> => {
    current = transfer;
    if (aborted) transfer.abort();
    return transfer.done;
  };
  const task: TransferTask<P> = {
    abort: () => {
      aborted = true;
      stop(new CloudError('abort', ERR_CODE.generic));
      current?.abort();
    },
    onProgressUpdate: progress.on,
    offProgressUpdate: progress.off,
    onHeadersReceived: headers.on,
    offHeadersReceived: headers.off,
  };
  return { done: Promise.race([begin(watcher, run), stopped]), task };
}

/** Uploads `filePath` to `cloudPath`; a file that is there already is replaced. */
export function uploadFile(
  place: () => Place,
  param: { cloudPath: string; filePath: FileSource; header?: Record<string, any> },
): Running<{ fileID: string; statusCode: number }, UploadProgress> {
  return start(
    async (watcher, run) => {
      const storage = place();
      const { cloudPath, filePath, header } = param;
      if (typeof cloudPath !== 'string' || cloudPath === '') {
        throw badParameter('cloudPath is the path of the file in the cloud, e.g. "photos/1.jpg"');
      }
      if (!filePath) throw badParameter('filePath is missing');
      const data = await storage.call('storage.getUploadMetadata', { path: cloudPath });
      const { status, data: answer } = await run(
        storage.wire.platform.upload(
          {
            url: data.url,
            fields: [
              ['key', cloudPath],
              ['signature', data.authorization],
              ['x-cos-meta-fileid', data.cosFileId],
              ['success_action_status', '201'],
              ['x-cos-security-token', data.token],
            ],
            file: filePath,
            fileName: cloudPath.slice(cloudPath.lastIndexOf('/') + 1),
            headers: header || {},
          },
          watcher,
        ),
      );
      if (status !== 201) throw uploadFailure(status, answer);
      return { fileID: data.fileId as string, statusCode: status };
    },
    (progress, { sentBytes, totalBytes }) => ({
      progress,
      totalBytesSent: sentBytes,
      totalBytesExpectedToSend: totalBytes,
    }),
  );
}

/** What the storage says when it refuses a form: `<Error><Code/><Message/></Error>`. */
function uploadFailure(status: number, answer: string): CloudError {
  const said = (tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(answer || '')?.[1];
  const message = said('Message') || said('Code') || 'the storage refused the file';
  return new CloudError(
    `HTTP ${status}: ${message}`,
    serverErrCode('STORAGE_REQUEST_FAIL'),
    'STORAGE_REQUEST_FAIL',
  );
}

/** Downloads `fileID` into a temporary file (mini program, Node) or a `blob:` address (browser). */
export function downloadFile(
  place: () => Place,
  param: { fileID: string },
): Running<{ tempFilePath: string; statusCode: number }, DownloadProgress> {
  return start(
    async (watcher, run) => {
      if (typeof param.fileID !== 'string' || !param.fileID)
        throw badParameter('fileID is missing');
      const storage = place();
      const [item] = (await getTempFileURL(storage, [param.fileID])).fileList;
      if (!item || item.status !== 0) {
        throw new CloudError(item?.errMsg || 'no link', item?.status || -1, item?.code);
      }
      const { status, path } = await run(storage.wire.platform.download(item.tempFileURL, watcher));
      if (status !== 200) throw networkFailure(`the file's link answered HTTP ${status}`);
      return { tempFilePath: path, statusCode: status };
    },
    (progress, { sentBytes, totalBytes }) => ({
      progress,
      totalBytesWritten: sentBytes,
      totalBytesExpectedToWrite: totalBytes,
    }),
  );
}

/** One file of `getTempFileURL`; `status` is 0, or the errCode of what is wrong with this file. */
export interface TempFile {
  fileID: string;
  tempFileURL: string;
  /** Seconds the link lives. */
  maxAge: number;
  status: number;
  errMsg: string;
}

type FileAsked = string | { fileID: string; maxAge?: number };

/** Links to files; a file that cannot be had is an item with a status, not a failure. */
export async function getTempFileURL(
  place: Place,
  fileList: FileAsked[],
): Promise<{ fileList: (TempFile & { code?: string })[] }> {
  const asked = checkedList(fileList).map((item) => {
    const { fileID, maxAge } =
      typeof item === 'string' ? { fileID: item, maxAge: undefined } : item;
    if (typeof fileID !== 'string') throw badParameterType('fileList holds file ids');
    return { fileid: fileID, max_age: maxAge };
  });
  const reply = await place.read('storage.batchGetDownloadUrl', { file_list: asked });
  const links: any[] = reply.download_list || [];
  return {
    fileList: asked.map(({ fileid, max_age }, index) => {
      const link = answerFor(links, fileid, index);
      return {
        fileID: fileid,
        tempFileURL: link.tempFileURL || link.download_url || '',
        maxAge: Number(link.max_age ?? link.maxAge ?? max_age ?? 7200),
        ...statusOf(link),
      };
    }),
  };
}

/** One file of `deleteFile`. */
export interface DeletedFile {
  fileID: string;
  status: number;
  errMsg: string;
}

/** Deletes files, at most 50 a call; a file that cannot be deleted is an item with a status. */
export async function deleteFile(
  place: Place,
  fileList: string[],
): Promise<{ fileList: (DeletedFile & { code?: string })[] }> {
  const ids = checkedList(fileList);
  const reply = await place.call('storage.batchDeleteFile', { fileid_list: ids });
  const deleted: any[] = reply.delete_list || [];
  return {
    fileList: ids.map((fileID, index) => ({
      fileID,
      ...statusOf(answerFor(deleted, fileID, index)),
    })),
  };
}

function checkedList<T>(fileList: T[]): T[] {
  if (!Array.isArray(fileList)) throw badParameterType('fileList is an array of file ids');
  if (fileList.length === 0) throw badParameter('fileList is empty');
  return fileList;
}

// By name where the server says it, else by position: duplicates in the list are allowed.
function answerFor(list: any[], fileID: string, index: number): any {
  const names = (item: any) => item?.fileid ?? item?.fileID;
  const here = list[index];
  if (here && (names(here) === undefined || names(here) === fileID)) return here;
  return (
    list.find((item) => names(item) === fileID) || {
      code: 'STORAGE_FILE_NONEXIST',
      message: 'the server said nothing about this file',
    }
  );
}

function statusOf(item: any): { status: number; errMsg: string; code?: string } {
  if (!item.code || item.code === 'SUCCESS') return { status: 0, errMsg: 'ok' };
  const { code, message } = item;
  return { status: serverErrCode(code), errMsg: message || code, code };
}
