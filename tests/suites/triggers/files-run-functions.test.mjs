/** Storage triggers: a file that comes or goes reaches the function as the vendor's record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';
import { eventsOf } from './ticks.mjs';

test('a file that comes or goes runs the function with the vendors record', async (t) => {
  const trigger = { type: 'storage', name: 'album', prefix: 'album/' };
  const { dir } = await project(t, {
    functions: { follower: { from: 'follower', sdk: '^4.0.2' } },
    yunkai: {
      collections: { events: { acl: 'ADMINONLY' } },
      functions: { follower: { triggers: [trigger] } },
    },
  });
  const server = await serve(t, dir);
  const app = nodeSdk(server);
  await app.uploadFile({ cloudPath: 'other/b.txt', fileContent: Buffer.from('no') });
  const cloudPath = 'album/a.txt';
  const { fileID } = await app.uploadFile({ cloudPath, fileContent: Buffer.from('hello') });
  await app.deleteFile({ fileList: [fileID] });
  /** @type {any} */
  const events = await eventually('two events', async () => {
    const found = await eventsOf(server);
    return found.length >= 2 && found;
  });
  const records = events.map((/** @type {any} */ { Records }) => Records[0]);
  assert.deepEqual(
    records.map((/** @type {any} */ { event }) => event.eventName),
    ['cos:ObjectCreated:Put', 'cos:ObjectRemove:Delete'],
  );
  const [{ cos, event }] = records;
  assert.equal(cos.cosSchemaVersion, '1.0');
  assert.ok(cos.cosObject.key.endsWith('/album/a.txt'), cos.cosObject.key);
  assert.equal(cos.cosObject.size, 5);
  assert.match(cos.cosObject.meta['Content-Type'], /^text\/plain/);
  assert.equal(cos.cosBucket.region, 'ap-shanghai');
  assert.equal(event.eventSource, 'qcs::cos');
  assert.equal(event.eventVersion, '1.0');
  assert.ok(Math.abs(event.eventTime - Date.now() / 1000) < 600);
  assert.deepEqual(Object.keys(event.requestParameters), ['requestSourceIP', 'requestHeaders']);
});
