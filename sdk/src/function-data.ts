/**
 * The data of `callFunction` on its way out: JSON, with bytes as Node's Buffer writes them and two
 * kinds of values that wx.cloud treats specially at the top level (protocol 02 §3.5).
 */

import { badParameter, badParameterType, CloudError, ERR_CODE } from './failure';
import type { FileSource } from './platform';
import { getTempFileURL, uploadFile } from './storage';
import { type Place, randomHex } from './wire';

/** How many CloudIDs one call may carry. */
const CLOUD_IDS_MAX = 5;

/**
 * What wx.getWeRunData, wx.getShareInfo or a button of `open-type` gives. Without `cloudID` (the
 * mini program has no WeChat cloud environment) the server opens the encrypted data itself.
 */
export interface SealedData {
  cloudID?: string;
  encryptedData?: string;
  iv?: string;
}

/** The id of open data that the server exchanges for the data; below the top level it is text. */
export class CloudID {
  readonly cloudID: string;

  constructor(source: string | SealedData) {
    const cloudID = typeof source === 'string' ? source : idOf(source);
    if (!cloudID) throw badParameterType('CloudID takes a string');
    this.cloudID = cloudID;
  }

  toJSON(): string {
    return this.cloudID;
  }
}

function idOf(source: SealedData | null | undefined): string {
  if (source?.cloudID) return source.cloudID;
  return source?.encryptedData && source.iv ? `sealed:${source.iv}:${source.encryptedData}` : '';
}

/** Content too large for a function's data: it is uploaded, and the function gets its address. */
export class CDN {
  readonly target: string | ArrayBuffer | { type: 'filePath'; filePath: string };

  constructor(target: string | ArrayBuffer | { type: 'filePath'; filePath: string }) {
    if (!target) throw badParameterType('CDN takes text, an ArrayBuffer or a file path');
    this.target = target;
  }
}

/** The parameters of the call that stand for `data`; CDN content is uploaded first. */
export async function encodeEvent(
  data: unknown,
  storage: Place,
): Promise<{ request_data: string; cloud_ids?: Record<string, string> }> {
  if (data === undefined) return { request_data: '' };
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw badParameterType('data is an object');
  }
  const event: Record<string, unknown> = {};
  const cloudIds: Record<string, string> = {};
  for (const key of Object.keys(data)) {
    const value = (data as Record<string, unknown>)[key];
    if (value instanceof CDN) event[key] = await addressOf(value, storage);
    else event[key] = value;
    // The server replaces `{cloudID}` by `{cloudID, data}`; `cloud_ids` tells it where to look.
    if (value instanceof CloudID) {
      cloudIds[key] = value.cloudID;
      event[key] = { cloudID: value.cloudID };
    }
  }
  const count = Object.keys(cloudIds).length;
  if (count > CLOUD_IDS_MAX)
    throw badParameter(`data carries ${count} CloudIDs, at most 5 are allowed`);
  const request_data = jsonOf(event);
  return count > 0 ? { request_data, cloud_ids: cloudIds } : { request_data };
}

function jsonOf(event: object): string {
  try {
    return JSON.stringify(event, (_, value) => {
      const bytes = bytesOf(value);
      return bytes ? { type: 'Buffer', data: Array.from(bytes) } : value;
    });
  } catch (error) {
    const message = `data is not JSON: ${(error as Error).message}`;
    throw new CloudError(message, ERR_CODE.circularReference);
  }
}

function bytesOf(value: unknown): Uint8Array | null {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!ArrayBuffer.isView(value)) return null;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

async function addressOf({ target }: CDN, storage: Place): Promise<string> {
  let content: FileSource;
  if (typeof target === 'string') content = utf8(target);
  else if (target instanceof ArrayBuffer) content = target;
  else content = target.filePath;
  const cloudPath = `cdn/${randomHex(32)}`;
  const { fileID } = await uploadFile(() => storage, { cloudPath, filePath: content }).done;
  const [file] = (await getTempFileURL(storage, [fileID])).fileList;
  if (!file?.tempFileURL) throw new CloudError(`no link: ${file?.errMsg}`, file?.status || -1);
  return file.tempFileURL;
}

// Mini programs have no TextEncoder.
function utf8(text: string): ArrayBuffer {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] === '%') {
      bytes.push(Number.parseInt(escaped.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      bytes.push(escaped.charCodeAt(i));
    }
  }
  return new Uint8Array(bytes).buffer as ArrayBuffer;
}
