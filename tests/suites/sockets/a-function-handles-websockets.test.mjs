/** Triggers `websocket`: connecting, messages, the end, and what functions send. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { eventually } from '../../harness/eventually.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';
import { connect } from '../../harness/socket.mjs';
import { nodeSdk } from '../../harness/vendor.mjs';

test('a function handles websockets', async (t) => {
  const triggers = [{ type: 'websocket', name: 'chat', path: '/chat' }];
  const made = await project(t, {
    functions: { chat: { from: 'chat', sdk: '^4.0.2' } },
    yunkai: { collections: { notes: { acl: 'ADMINONLY' } }, functions: { chat: { triggers } } },
  });
  const server = await serve(t, made.dir);
  const alice = await Caller.signIn(server, 'alice');
  const notes = nodeSdk(server).database().collection('notes');
  /** @type {(path?: string, headers?: Record<string, string>) => Promise<any>} */
  const open = async (path = '/chat', headers = {}) => {
    const { socket, status, text } = await connect(t, server.url + path, headers);
    assert.ok(socket, `${status}: ${text}`);
    return socket;
  };
  /** @returns {Promise<any[]>} */
  const noted = async () => (await notes.get()).data;

  await t.test('the events are as documented', async () => {
    const socket = await open('/chat/room?a=1', { 'sec-websocket-protocol': 'one' });
    assert.equal(socket.headers['sec-websocket-protocol'], 'one');
    const [{ _id: id, event }] = await noted();
    assert.deepEqual(event.websocket, {
      action: 'connecting',
      secConnectionID: id,
      secWebSocketProtocol: 'one',
      secWebSocketExtensions: '',
    });
    const { path, httpMethod, sourceIp, stage, websocketEnable, queryString } =
      event.requestContext;
    assert.deepEqual(
      { path, httpMethod, sourceIp, stage, websocketEnable, queryString },
      {
        path: '/chat/room',
        httpMethod: 'GET',
        sourceIp: '127.0.0.1',
        stage: 'release',
        websocketEnable: true,
        queryString: { a: '1' },
      },
    );
    socket.send('echo 你好');
    socket.send(new Uint8Array([0, 255]));
    assert.deepEqual(await socket.received(2), ['你好', Buffer.from([0, 255])]);
    socket.close();
    await socket.gone();
    await eventually('the end is told', async () => (await noted())[0].closed);
  });

  await t.test('messages are answered in order, one after another', async () => {
    const socket = await open();
    for (const wait of [60, 1, 30, 0]) socket.send(`wait ${wait}`);
    socket.send('twice');
    const messages = await socket.received(7);
    const waits = ['wait 60', 'wait 1', 'wait 30', 'wait 0'];
    assert.deepEqual(messages, [...waits, 'first', 'second', 'third']);
  });

  await t.test('a function sends to any connection of its environment', async () => {
    const before = new Set((await noted()).map(({ _id }) => _id));
    const reader = await open();
    const writer = await open();
    const [id] = (await noted()).filter(({ _id }) => !before.has(_id)).map(({ _id }) => _id);
    writer.send(`to ${id} hello`);
    const both = () => reader.messages.length + writer.messages.length >= 2;
    await eventually('the message arrives and is acknowledged', both);
    assert.ok([...reader.messages, ...writer.messages].includes('hello'));
    assert.ok([...reader.messages, ...writer.messages].includes('{"errNo":0,"errMsg":"ok"}'));
    writer.messages.length = 0;
    writer.send('to nobody hello');
    const [told] = await writer.received(1);
    assert.equal(JSON.parse(told).errNo, 1);
    const outside = await alice.call('chat', {
      send: { action: 'data send', secConnectionID: id, dataType: 'text', data: 'from a call' },
    });
    assert.equal(outside.errNo, 0);
  });

  await t.test('a function refuses, closes, and may fail', async () => {
    const refused = await connect(t, `${server.url}/chat?refuse=1`);
    assert.equal(refused.status, 403);
    assert.equal(JSON.parse(refused.text).message, 'not you');
    const socket = await open();
    socket.send('fail');
    socket.send('echo still here');
    assert.deepEqual(await socket.received(1), ['still here']);
    socket.send('bye');
    await socket.gone();
    const large = await open();
    large.send('x'.repeat(300 * 1024));
    await large.gone();
  });

  await t.test('who is connected is known', async () => {
    const named = await open(`/chat?access_token=${alice.accessToken}`);
    named.send('who');
    assert.deepEqual(await named.received(1), [alice.openid]);
    const kept = (await noted()).map((note) => JSON.stringify(note));
    assert.ok(kept.every((note) => !note.includes(alice.accessToken)));
    const nobody = await open();
    nobody.send('who');
    assert.deepEqual(await nobody.received(1), ['']);
    assert.equal((await connect(t, `${server.url}/chat?access_token=x`)).status, 401);
    assert.equal((await connect(t, `${server.url}/elsewhere`)).status, 404);
  });

  await t.test('nobody but functions sends', async () => {
    const { apiKey } = server.credentials();
    const response = await fetch(`${server.url}/_ws`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}` },
      body: '{}',
    });
    assert.equal(response.status, 404);
  });
});
