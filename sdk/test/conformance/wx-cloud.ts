/**
 * The compiler's conformance test: our export must be usable wherever WeChat's own types ask for
 * `wx.cloud`. What this library does not offer yet is added here member by member, so that this
 * list says exactly what is missing; nothing else may differ.
 */

import byDefault, { type Cloud, cloud, type Database } from '../../src/index';

declare module '../../src/client' {
  interface Cloud {
    connectContainer: WxCloud['connectContainer'];
    services: WxCloud['services'];
    extend: WxCloud['extend'];
  }
}

declare module '../../src/database' {
  interface Query {
    watch(options: DB.IWatchOptions): DB.RealtimeListener;
  }
  interface DocumentReference {
    watch(options: DB.IWatchOptions): DB.RealtimeListener;
  }
}

export const drop: WxCloud = cloud;
export const again: WxCloud = byDefault;
export const other: WxCloud = new cloud.Cloud({
  env: 'e',
  endpoint: 'https://h',
  login: () => null,
});
export const database: DB.Database = cloud.database();
export const ours: Database = cloud.database({ env: 'other' });

/** Programs written against WeChat's types, compiled against ours. */
export async function program(c: Cloud): Promise<void> {
  const called = await c.callFunction({ name: 'f', data: { a: 1 } });
  const id: string = called.requestID;
  c.callFunction({ name: 'f', success: (res) => res.result });

  const task = c.uploadFile({ cloudPath: id, filePath: 'tmp://x', success: (res) => res.fileID });
  task.onProgressUpdate((event) => event.totalBytesExpectedToSend + event.progress);
  const asPromise = c.uploadFile({ cloudPath: 'x', filePath: new Blob([]) });
  asPromise.abort();
  const uploaded: string = (await asPromise).fileID;

  const db = c.database();
  const _ = db.command;
  const $ = _.aggregate;
  const list = await db
    .collection('photos')
    .where({ n: _.gt(1).and(_.lt(5)), at: _.lte(db.serverDate({ offset: -1 })) })
    .orderBy('n', 'desc')
    .limit(10)
    .get();
  const title: string = list.data[0]?.title;
  await db
    .collection('photos')
    .doc(uploaded)
    .update({ data: { n: _.inc(1), tags: _.push(title) } });
  await db.collection('photos').where({ a: 1 }).remove();
  await db
    .collection('photos')
    .aggregate()
    .group({ _id: null, n: $.sum(1) })
    .end();
  new db.Geo.Point(113, 23).toJSON();
  db.Geo.Point(113, 23).longitude.toFixed();
  db.RegExp({ regexp: '^x' }).regexp.trim();
  new c.CDN(new ArrayBuffer(1));
  c.CloudID('id');
  await c.switchUser((await c.devUsers())[0]?.name ?? '');
}

// @ts-expect-error a file id is not enough: uploads need both paths.
cloud.uploadFile({ cloudPath: 'x' });
// @ts-expect-error operators are methods, not strings.
cloud.database().command.eq.trim();
