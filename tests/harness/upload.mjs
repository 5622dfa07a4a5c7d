/** Uploads as the client SDKs do them: metadata over `/web`, then a form or a PUT. */

/** @typedef {import('./caller.mjs').Caller} Caller */

/**
 * @typedef {object} Uploaded
 * @property {string} fileId
 * @property {Response} response
 * @property {string} text
 */

/**
 * The multipart form of `@cloudbase/js-sdk` 1.x and of `wx.uploadFile`.
 * @param {Caller} caller
 * @param {string} path
 * @param {Uint8Array | string} bytes
 * @param {Record<string, string>} [changed] form fields to forge
 * @returns {Promise<Uploaded>}
 */
export async function uploadByForm(caller, path, bytes, changed = {}) {
  const meta = await caller.web('storage.getUploadMetadata', { path });
  const fields = {
    key: path,
    signature: meta.authorization,
    'x-cos-meta-fileid': meta.cosFileId,
    success_action_status: '201',
    'x-cos-security-token': meta.token,
    ...changed,
  };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([/** @type {any} */ (bytes)]), 'photo.jpg');
  const response = await fetch(meta.url, { method: 'POST', body: form });
  return { fileId: meta.fileId, response, text: await response.text() };
}

/**
 * The PUT of `@cloudbase/js-sdk` 2.x and 3.x.
 * @param {Caller} caller
 * @param {string} path
 * @param {Uint8Array | string} bytes
 * @param {Record<string, string>} [headers] headers to add or to forge
 * @returns {Promise<Uploaded>}
 */
export async function uploadByPut(caller, path, bytes, headers = {}) {
  const meta = await caller.web('storage.getUploadMetadata', { path, method: 'put', headers: {} });
  const response = await fetch(meta.url, {
    method: 'PUT',
    headers: {
      authorization: meta.authorization,
      'x-cos-meta-fileid': meta.cosFileId,
      'x-cos-security-token': meta.token,
      ...headers,
    },
    body: /** @type {any} */ (bytes),
  });
  return { fileId: meta.fileId, response, text: await response.text() };
}

/**
 * The items of a list of temporary links.
 * @param {Caller} caller
 * @param {string[]} ids
 * @param {number} [maxAge] seconds
 * @returns {Promise<any[]>}
 */
export async function links(caller, ids, maxAge) {
  const age = maxAge === undefined ? {} : { max_age: maxAge };
  const { download_list: list } = await caller.web('storage.batchGetDownloadUrl', {
    file_list: ids.map((fileid) => ({ fileid, ...age })),
  });
  return list;
}
