/**
 * `callContainer`: an HTTP request to a service that stands behind the server (protocol 02 §7),
 * with the shape of `wx.request`. Every status of the service is a result, not a failure.
 */

import type { Callbacks } from './convention';
import { badParameter } from './failure';
import { lowerCased, parseJson } from './json';
import { type Place, randomHex } from './wire';

/** `callContainer`'s parameter. */
export interface CallContainerParam extends Callbacks<CallContainerResult> {
  /** Path with query, e.g. `/api/items?page=1`. */
  path: string;
  /** The service; the header `X-WX-SERVICE` says the same. */
  service?: string;
  /** Default `GET`. */
  method?: string;
  header?: Record<string, any>;
  /** An object is sent as JSON, or as the query of a GET. */
  data?: any;
  /** `json` (default) parses the answer where it can. */
  dataType?: string;
  responseType?: string;
  /** Milliseconds, default 60000. */
  timeout?: number;
  verbose?: boolean;
  followRedirect?: boolean;
}

/** `callContainer`'s result. */
export interface CallContainerResult {
  data: any;
  statusCode: number;
  header: Record<string, any>;
  callID: string;
  errMsg: string;
}

/** Sends the request with the user's token. */
export async function callContainer(
  { wire, env }: Place,
  param: CallContainerParam,
): Promise<Omit<CallContainerResult, 'errMsg'>> {
  const headers = lowerCased(param.header);
  const service = param.service || headers['x-wx-service'];
  if (!service) throw badParameter('name the service: header { "X-WX-SERVICE": "…" } or service');
  if (typeof param.path !== 'string') throw badParameter('path is missing');
  const method = (param.method || 'GET').toUpperCase();
  const callID = headers['x-request-id'] || randomHex(32);
  headers['x-request-id'] = callID;
  const { path, body } = carry(method, param, headers);
  const response = await wire.fetch(env, `/v1/cloudrun/${encodeURIComponent(service)}${path}`, {
    method,
    headers,
    body,
    timeoutMs: param.timeout || 60_000,
    responseType: param.responseType === 'arraybuffer' ? 'arraybuffer' : 'text',
  });
  return {
    data: parsed(response.data, param.dataType),
    statusCode: response.status,
    header: response.headers,
    callID,
  };
}

function carry(
  method: string,
  { path, data }: CallContainerParam,
  headers: Record<string, string>,
): { path: string; body?: string | ArrayBuffer } {
  const target = path.startsWith('/') ? path : `/${path}`;
  if (data === undefined || data === null) return { path: target };
  if (method === 'GET' || method === 'HEAD') {
    const pairs = Object.keys(data).map(
      (key) => `${encodeURIComponent(key)}=${encodeURIComponent(String(data[key]))}`,
    );
    return { path: target + (target.includes('?') ? '&' : '?') + pairs.join('&') };
  }
  if (typeof data === 'string' || data instanceof ArrayBuffer) return { path: target, body: data };
  if (!headers['content-type']) headers['content-type'] = 'application/json;charset=UTF-8';
  return { path: target, body: JSON.stringify(data) };
}

function parsed(data: string | ArrayBuffer, dataType: string | undefined): unknown {
  if (typeof data !== 'string' || (dataType && dataType !== 'json')) return data;
  const value = parseJson(data);
  return value === undefined ? data : value;
}
