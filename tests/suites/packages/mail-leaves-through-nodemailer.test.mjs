/** nodemailer against a mail server that only listens. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

/**
 * @param {import('../../harness/server.mjs').Owner} owner
 * @returns {Promise<{ port: number, lines: string[] }>}
 */
async function sink(owner) {
  /** @type {string[]} */
  const lines = [];
  const listener = net.createServer((socket) => {
    let reading = '';
    let isData = false;
    const say = (/** @type {string} */ text) => void socket.write(`${text}\r\n`);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const parts = (reading + bytes.toString()).split('\r\n');
      reading = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        if (isData) {
          if (line !== '.') continue;
          isData = false;
          say('250 kept as 1');
        } else if (line === 'DATA') {
          isData = true;
          say('354 go on');
        } else if (line === 'QUIT') {
          say('221 bye');
          socket.end();
        } else say('250 fine');
      }
    });
    say('220 sink');
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  owner.after(async () => void listener.close());
  const { port } = /** @type {net.AddressInfo} */ (listener.address());
  return { port, lines };
}

test('a mail with an attachment', async (t) => {
  const { port, lines } = await sink(t);
  const functions = { mail: { from: 'mail', modules: ['nodemailer'] } };
  const server = await serve(t, (await project(t, { functions })).dir);
  const caller = await Caller.signIn(server, 'alice');
  const seen = await caller.call('mail', { port });
  assert.deepEqual(seen, { accepted: ['guest@example.com'], response: '250 kept as 1' });
  assert.ok(lines.includes('RCPT TO:<guest@example.com>'), lines.join('\n'));
  assert.ok(
    lines.some((line) => line.startsWith('Subject: =?UTF-8?')),
    lines.join('\n'),
  );
  assert.ok(lines.includes(Buffer.from('attached').toString('base64')), lines.join('\n'));
});
