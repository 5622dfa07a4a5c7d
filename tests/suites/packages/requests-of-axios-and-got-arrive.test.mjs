/**
 * axios and got against a server of this machine, which `dev` leaves open to functions. axios is
 * bundled where esbuild is; got is not, because a package below it requires a computed name.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { Caller } from '../../harness/caller.mjs';
import { project } from '../../harness/project.mjs';
import { serve } from '../../harness/server.mjs';

for (const esbuild of [false, true]) {
  test(`requests ${esbuild ? 'with' : 'without'} esbuild`, async (t) => {
    const upstream = http.createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      if (request.url === '/bytes') return void response.end(Buffer.from([0, 128, 255]));
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.setHeader('content-type', 'application/json');
      const { method, url } = request;
      const body = Buffer.concat(chunks).toString();
      response.end(JSON.stringify({ method, url, header: request.headers['x-a'] ?? null, body }));
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    t.after(() => void upstream.close());
    const { port } = /** @type {import('node:net').AddressInfo} */ (upstream.address());

    const functions = {
      axios: { from: 'axios', modules: ['axios'] },
      got: { from: 'got', modules: ['got'] },
    };
    const server = await serve(t, (await project(t, { functions, esbuild })).dir);
    const caller = await Caller.signIn(server, 'alice');
    for (const name of Object.keys(functions)) {
      const seen = await caller.call(name, { url: `http://127.0.0.1:${port}` });
      const body = '{"名":"值"}';
      assert.deepEqual(seen, {
        posted: { method: 'POST', url: `/post?by=${name}`, header: '1', body },
        missing: 404,
        bytes: [0, 128, 255],
        bundled: esbuild && name === 'axios',
      });
    }
  });
}
