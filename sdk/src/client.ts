/**
 * The object that `wx.cloud` is: one client of one server. The default export is one of them, and
 * `new cloud.Cloud({…})` makes others with users of their own. It checks arguments and names
 * results; the work is done by the files it imports.
 */

import { callable } from './callable';
import { type CallContainerParam, type CallContainerResult, callContainer } from './container';
import type { WithCallbacks, WithoutCallbacks } from './convention';
import { type Callbacks, hasCallbacks, settle } from './convention';
import { Database, type Ok } from './database';
import type { DevUser } from './dev-users';
import { badParameter, badParameterType, CloudError, ERR_CODE, named } from './failure';
import { CDN, CloudID, encodeEvent } from './function-data';
import { parseJson } from './json';
import { detectPlatform, type FileSource } from './platform';
import type { Login } from './session';
import type { TransferTask, UploadProgress } from './storage';
import {
  type DeletedFile,
  type DownloadProgress,
  deleteFile,
  downloadFile,
  getTempFileURL,
  type Running,
  type TempFile,
  uploadFile,
} from './storage';
import { Place, Wire } from './wire';

/** Which environment each service uses, or one for all. */
export type EnvOption =
  | string
  | { database?: string; functions?: string; storage?: string; default?: string };

/** What `init` and `new cloud.Cloud` take. */
export interface CloudOptions {
  /** The environment id. Without one the server takes its default. */
  env?: EnvOption;
  /**
   * The server, e.g. `https://cloud.example.com`. In a browser the default is the page's origin.
   */
  endpoint?: string;
  /** Accepted for compatibility; the server knows its users anyway. */
  traceUser?: boolean;
  /** How to sign in; the default is `wx.login`, or the user switcher of a dev server's pages. */
  login?: Login;
  /** Milliseconds a request may take, default 60000. Uploads and downloads have no limit. */
  timeout?: number;
  /** The name of `env` in wx.cloud's own `new wx.cloud.Cloud`. */
  resourceEnv?: string;
}

/** `callFunction`'s parameter. */
export interface CallFunctionParam extends Callbacks<CallFunctionResult> {
  name: string;
  data?: Record<string, any>;
  slow?: boolean;
}

/** `callFunction`'s result. */
export interface CallFunctionResult extends Ok {
  /** What the function returned; null where it returned nothing. */
  result: any;
  requestID: string;
}

/** `uploadFile`'s parameter. */
export interface UploadFileParam extends Callbacks<UploadFileResult> {
  cloudPath: string;
  /** A path in mini programs and Node; a File, Blob or bytes in browsers and Node. */
  filePath: FileSource;
  header?: Record<string, any>;
}

/** `uploadFile`'s result. */
export interface UploadFileResult extends Ok {
  fileID: string;
  statusCode: number;
}

/** `downloadFile`'s parameter. */
export interface DownloadFileParam extends Callbacks<DownloadFileResult> {
  fileID: string;
  cloudPath?: string;
}

/** `downloadFile`'s result; in a browser the path is a `blob:` address. */
export interface DownloadFileResult extends Ok {
  tempFilePath: string;
  statusCode: number;
}

/** `getTempFileURL`'s parameter. */
export interface GetTempFileURLParam extends Callbacks<GetTempFileURLResult> {
  fileList: (string | { fileID: string; maxAge?: number })[];
}

/** `getTempFileURL`'s result. */
export interface GetTempFileURLResult extends Ok {
  fileList: TempFile[];
}

/** `deleteFile`'s parameter. */
export interface DeleteFileParam extends Callbacks<DeleteFileResult> {
  fileList: string[];
}

/** `deleteFile`'s result. */
export interface DeleteFileResult extends Ok {
  fileList: DeletedFile[];
}

type Service = 'database' | 'functions' | 'storage';

const NOT_INITIALISED =
  "Cloud API isn't enabled, please call cloud.init first / 请先调用 cloud.init() 完成初始化";

const METHODS = [
  'init',
  'callFunction',
  'database',
  'uploadFile',
  'downloadFile',
  'getTempFileURL',
  'deleteFile',
  'callContainer',
  'devUsers',
  'switchUser',
] as const;

/** One client: what `wx.cloud` is, for one server and one user. */
export class Cloud {
  /** Another client with a server and users of its own; `await it.init()` before use. */
  readonly Cloud: typeof Cloud;
  readonly CloudID = callable(CloudID);
  readonly CDN = callable(CDN);

  private wire: Wire | null = null;
  private env: EnvOption = '';

  constructor(private readonly options: CloudOptions = {}) {
    this.Cloud = Cloud;
    // `const { callFunction } = cloud` works with wx.cloud, so it does here.
    for (const name of METHODS) this[name] = (this[name] as any).bind(this);
  }

  /** Names the server; nothing is sent before the first call. */
  init(config?: CloudOptions): Promise<void> {
    const options: CloudOptions = { ...this.options, ...config };
    const platform = detectPlatform();
    const endpoint = (options.endpoint || platform.defaultEndpoint).replace(/\/+$/, '');
    if (!/^https?:\/\/[^/]/.test(endpoint)) {
      throw named(
        'cloud.init',
        badParameter('init needs endpoint, e.g. "http://127.0.0.1:9527" / init 需要 endpoint'),
      );
    }
    this.env = options.env || options.resourceEnv || '';
    this.wire = new Wire(platform, endpoint, options.login, options.timeout || 60_000);
    return Promise.resolve();
  }

  callFunction(param: WithCallbacks<CallFunctionParam>): void;
  callFunction(param: WithoutCallbacks<CallFunctionParam>): Promise<CallFunctionResult>;
  callFunction(param: any): any {
    return settle('cloud.callFunction', param, async () => {
      const { name, data } = object(param);
      if (typeof name !== 'string' || name === '') throw badParameter('name is missing');
      const place = this.place('functions', param);
      const storage = this.place('storage', param);
      const { wire, env } = place;
      const reply = await wire.call(env, 'functions.invokeFunction', {
        function_name: name,
        ...(await encodeEvent(data, storage)),
      });
      return { result: resultOf(reply.data?.response_data), requestID: reply.requestId };
    });
  }

  database(config?: { env?: string }): Database {
    const wire = this.wire;
    if (!wire) throw new CloudError(NOT_INITIALISED, ERR_CODE.notInitialised);
    return new Database(new Place(wire, config?.env || this.envOf('database')));
  }

  /** Without callbacks the promise is a task as well: `onProgressUpdate`, `abort`. */
  uploadFile(param: WithCallbacks<UploadFileParam>): TransferTask<UploadProgress>;
  uploadFile(
    param: WithoutCallbacks<UploadFileParam>,
  ): Promise<UploadFileResult> & TransferTask<UploadProgress>;
  uploadFile(param: any): any {
    return transfer('uploadFile', param, (p) => uploadFile(() => this.place('storage', p), p));
  }

  /** Without callbacks the promise is a task as well: `onProgressUpdate`, `abort`. */
  downloadFile(param: WithCallbacks<DownloadFileParam>): TransferTask<DownloadProgress>;
  downloadFile(
    param: WithoutCallbacks<DownloadFileParam>,
  ): Promise<DownloadFileResult> & TransferTask<DownloadProgress>;
  downloadFile(param: any): any {
    return transfer('downloadFile', param, (p) => downloadFile(() => this.place('storage', p), p));
  }

  getTempFileURL(param: WithCallbacks<GetTempFileURLParam>): void;
  getTempFileURL(param: WithoutCallbacks<GetTempFileURLParam>): Promise<GetTempFileURLResult>;
  getTempFileURL(param: any): any {
    return settle('cloud.getTempFileURL', param, async () =>
      getTempFileURL(this.place('storage', param), object(param).fileList),
    );
  }

  deleteFile(param: WithCallbacks<DeleteFileParam>): void;
  deleteFile(param: WithoutCallbacks<DeleteFileParam>): Promise<DeleteFileResult>;
  deleteFile(param: any): any {
    return settle('cloud.deleteFile', param, async () =>
      deleteFile(this.place('storage', param), object(param).fileList),
    );
  }

  /** An HTTP request to a service behind the server; any status is a result. */
  callContainer(param: WithCallbacks<CallContainerParam>): void;
  callContainer(param: WithoutCallbacks<CallContainerParam>): Promise<CallContainerResult>;
  callContainer(param: any): any {
    return settle('cloud.callContainer', param, async () =>
      callContainer(this.place('functions', param), object(param)),
    );
  }

  /** The simulated users of a dev server, the current one marked. */
  async devUsers(): Promise<DevUser[]> {
    return this.asking('cloud.devUsers', (wire) => wire.switcher.users());
  }

  /** Acts as another simulated user from the next call on; browsers remember the choice. */
  async switchUser(name: string): Promise<void> {
    await this.asking('cloud.switchUser', async (wire) => {
      await wire.switcher.switchTo(name);
      wire.forgetUsers();
    });
  }

  private async asking<T>(api: string, work: (wire: Wire) => Promise<T>): Promise<T> {
    try {
      return await work(this.place('functions', null).wire);
    } catch (cause) {
      throw named(api, cause);
    }
  }

  private place(service: Service, param: { config?: { env?: string } } | null): Place {
    const { wire } = this;
    if (!wire) throw new CloudError(NOT_INITIALISED, ERR_CODE.notInitialised);
    return new Place(wire, param?.config?.env || this.envOf(service));
  }

  private envOf(service: Service): string {
    const { env } = this;
    if (typeof env === 'string') return env;
    // wx-server-sdk's DYNAMIC_CURRENT_ENV is a symbol: the server's default is what it means here.
    return (typeof env === 'object' && (env[service] || env.default)) || '';
  }
}

function object(param: any): any {
  if (typeof param !== 'object' || param === null) throw badParameterType('an object is needed');
  return param;
}

// A function that returns nothing is told as null; old servers may send text that is not JSON.
function resultOf(text: unknown): unknown {
  if (typeof text !== 'string') return text ?? null;
  const value = parseJson(text);
  return value === undefined ? text : value;
}

/** Gives the caller a task, or a promise that is a task as well. */
function transfer<T extends object, P>(
  api: string,
  param: unknown,
  begin: (param: any) => Running<T, P>,
): unknown {
  const running = begin(param || {});
  const outcome = settle(api, param, () => running.done);
  return hasCallbacks(param) ? running.task : Object.assign(outcome as object, running.task);
}
