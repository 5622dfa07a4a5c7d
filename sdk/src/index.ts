/**
 * `@yunkai/cloud`: the object that `wx.cloud` is, for a self-hosted Yunkai server. One core with
 * two adapters, for mini programs and for browsers and Node; no dependencies.
 */

import { Cloud } from './client';

/** The client most programs need; `cloud.init({…})` before the first call. */
export const cloud = new Cloud();

export default cloud;

export { Aggregate } from './aggregate';
export type * from './client';
export { Cloud } from './client';
export type { CallContainerParam, CallContainerResult } from './container';
export type * from './database';
export { CollectionReference, Database, DocumentReference, Query } from './database';
export type { DevUser } from './dev-users';
export { CloudError } from './failure';
export type { FileSource } from './platform';
export type { Login } from './session';
export type { DownloadProgress, TransferTask, UploadProgress } from './storage';
