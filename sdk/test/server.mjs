/**
 * The server of the tests, in this process: it signs users in, checks every envelope against the
 * recorded wire (protocol 01 §5, 04 §2.1) and answers what the test says. It stores nothing but the
 * requests it saw.
 */

import assert from 'node:assert/strict';
import http from 'node:http';

/** A started server: `web` answers `/web` bodies; `seen` holds them in order. */
export async function startServer({ web = () => ({ data: {} }), users } = {}) {
  const state = {
    web,
    seen: [],
    auth: [],
    uploads: [],
    others: [],
    valid: new Set(),
    count: 0,
    expiresIn: 7200,
    uploadStatus: 201,
    refresh: true,
    files: new Map(),
  };
  const server = http.createServer((request, response) => {
    route(state, request, response, users).catch((error) => {
      state.error = error;
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return state;
}

async function route(state, request, response, users) {
  const { pathname, searchParams } = new URL(request.url, 'http://h');
  if (state.drop?.(pathname)) return request.socket.destroy();
  const body = await bytesOf(request);
  const json = (value, status = 200) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (pathname === '/web') return json(await answerWeb(state, request, searchParams, body));
  if (pathname.startsWith('/auth/v1/')) {
    const [status, value] = await answerAuth(state, pathname.slice(9), searchParams, body);
    return json(value, status);
  }
  if (pathname === '/_api/dev/users' && users) return json({ users, simulator: true });
  if (pathname === '/upload') return takeUpload(state, request, response, body);
  if (pathname.startsWith('/files/'))
    return giveFile(state, decodeURIComponent(pathname), response);
  state.others.push({ method: request.method, url: request.url, headers: request.headers, body });
  if (state.other) return state.other(request, response, body);
  return json({ code: 'NOT_FOUND', message: pathname }, 404);
}

async function bytesOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function answerWeb(state, request, searchParams, bytes) {
  const { action, dataVersion, env, access_token, seqId, ...params } = JSON.parse(bytes);
  assert.equal(request.method, 'POST');
  assert.equal(dataVersion, '2020-01-10');
  assert.equal(searchParams.get('env'), env);
  assert.equal(request.headers['x-seqid'], seqId);
  assert.match(seqId, /^[0-9a-f]{13}$/);
  state.seen.push({ action, env, token: access_token, ...params });
  const requestId = `rid-${state.seen.length}`;
  if (!state.valid.has(access_token)) {
    return { requestId, code: state.tokenCode || 'ACCESS_TOKEN_EXPIRED', message: 'token' };
  }
  return { requestId, ...(await state.web({ action, env, ...params }, state)) };
}

async function answerAuth(state, call, searchParams, bytes) {
  const body = JSON.parse(bytes);
  state.auth.push({ call, client: searchParams.get('client_id'), ...body });
  await state.hold;
  const refuse = (error) => [400, { error, error_code: 3, error_description: `${error}!` }];
  switch (call) {
    case 'provider/token':
      assert.equal(body.provider_id, 'wx');
      assert.deepEqual(body.provider_params, { provider_code_type: 'open_id' });
      if (state.refuseCodes) return refuse('provider_error');
      return [200, { provider_token: `pt ${body.provider_code}`, expires_in: 600 }];
    case 'signin/with/provider':
      return [200, credentials(state, body.provider_token.replace(/^pt (dev-)?/, ''))];
    case 'signin/anonymously':
      return [200, credentials(state, 'anonymous')];
    case 'token':
      assert.equal(body.grant_type, 'refresh_token');
      assert.equal(body.client_id, searchParams.get('client_id'));
      if (!state.refresh) return refuse('invalid_grant');
      return [200, credentials(state, body.refresh_token.split(' ')[1])];
    default:
      return refuse('not_found');
  }
}

function credentials(state, user) {
  const access_token = `token ${user} ${++state.count}`;
  state.valid.add(access_token);
  return {
    token_type: 'Bearer',
    access_token,
    refresh_token: `refresh ${user}`,
    expires_in: state.expiresIn,
    sub: user,
  };
}

function takeUpload(state, request, response, body) {
  const boundary = /boundary=(.+)$/.exec(request.headers['content-type'])[1];
  const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
  const fields = parts.map((part) => {
    const [, head, value] = /^\r\n([\s\S]*?)\r\n\r\n([\s\S]*)\r\n$/.exec(part);
    const name = / name="([^"]*)"/.exec(head)[1];
    const fileName = / filename="([^"]*)"/.exec(head)?.[1];
    return { name, fileName, bytes: Buffer.from(value, 'latin1') };
  });
  state.uploads.push({ headers: request.headers, fields });
  response.writeHead(state.uploadStatus, { 'content-type': 'application/xml' });
  const refusal = '<Error><Code>AccessDenied</Code><Message>the form has expired</Message></Error>';
  response.end(state.uploadStatus === 201 ? '<PostResponse/>' : refusal);
}

function giveFile(state, path, response) {
  const bytes = state.files.get(path.slice('/files/'.length));
  if (!bytes) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': bytes.length });
  response.end(bytes);
}

/** Answers of the storage actions with addresses of this server. */
export function storageAnswers({ action, path, file_list, fileid_list }, state) {
  switch (action) {
    case 'storage.getUploadMetadata':
      return {
        data: {
          url: `${state.url}/upload`,
          token: 'cos-token',
          authorization: 'cos-authorization',
          fileId: `cloud://env-x.bucket/${path}`,
          cosFileId: 'cosfileid-xyz',
          download_url: `${state.url}/files/${path}`,
        },
      };
    case 'storage.batchGetDownloadUrl':
      return {
        data: {
          download_list: file_list.map(({ fileid }) => {
            const path = fileid.slice('cloud://env-x.bucket/'.length);
            if (path.startsWith('none/')) return { code: 'STORAGE_FILE_NONEXIST', fileid };
            const address = `${state.url}/files/${encodeURI(path)}`;
            return { code: 'SUCCESS', fileid, download_url: address, tempFileURL: address };
          }),
        },
      };
    case 'storage.batchDeleteFile':
      return {
        data: {
          delete_list: fileid_list.map((fileID) =>
            fileID.includes('/none/')
              ? { code: 'STORAGE_FILE_NONEXIST', fileID, message: 'no such file' }
              : { code: 'SUCCESS', fileID },
          ),
        },
      };
    default:
      return { code: 'INVALID_ACTION', message: action };
  }
}

/** The failure of a promise that must fail. */
export async function failureOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('the call should have failed');
}
