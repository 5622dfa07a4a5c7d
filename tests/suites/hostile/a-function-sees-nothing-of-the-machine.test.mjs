/** Files, processes, other functions, credentials: a function sees its own, and system software. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Ground } from '../../harness/hostile.mjs';

const closed = /^(EACCES|EPERM|ENOENT)$/;

test('a function sees nothing of the machine', async (t) => {
  const ground = await Ground.open(t);
  const { server } = ground;

  await t.test('/etc beyond names, certificates and the time zone', async () => {
    const paths = ['/etc/passwd', '/etc/shadow', '/etc/hostname', '/etc/ssh', '/etc', '/root'];
    const seen = await ground.does('read', { paths });
    for (const name of paths) assert.match(seen[name].refused ?? 'seen', closed, name);
    const open = await ground.does('read', { paths: ['/etc/hosts', '/etc/resolv.conf'] });
    for (const text of Object.values(open)) assert.equal(typeof text, 'string');
  });
  await t.test('the data directory, credentials, the project and other functions', async () => {
    const paths = [
      server.data,
      path.join(server.data, 'credentials.json'),
      path.join(server.data, 'functions', 'packages'),
      server.dir,
      path.join(server.dir, 'cloudfunctions', 'neighbour', 'index.js'),
      `/proc/${server.pid}/environ`,
    ];
    const seen = await ground.does('read', { paths });
    for (const name of paths) assert.match(seen[name].refused ?? 'seen', closed, name);
  });
  await t.test('the folders of other workers', async () => {
    const { around, own } = await ground.does('folders');
    if (!around.refused) assert.ok(around.length <= 2, `its own and the runtime: ${around}`);
    assert.match(own.refused ?? 'written', /^(EACCES|EROFS|EPERM)$/);
  });
  await t.test('other processes', async () => {
    const { pids, lines } = await ground.does('processes');
    assert.ok(pids.length <= 3, `sees ${pids}`);
    assert.ok(!JSON.stringify(lines).includes(server.data), 'not the command line of the server');
    const answer = await ground.does('signal', { pid: server.pid });
    assert.match(answer.refused ?? 'signalled', /^(ESRCH|EPERM)$/);
  });
  await t.test('keys of the server', async () => {
    const { secretKey, apiKey } = server.credentials();
    const text = JSON.stringify(await ground.does('environment'));
    assert.ok(!text.includes(secretKey) && !text.includes(apiKey));
  });
});
