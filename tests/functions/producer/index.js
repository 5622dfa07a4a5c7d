// Feeds a stream with nothing but Node's http.
const http = require('node:http');

exports.main = ({ stream, data }) =>
  new Promise((resolve, reject) => {
    const request = http.request(
      `http://yunkai.internal/v1/streams/${stream}/records`,
      { method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
      },
    );
    request.on('error', reject);
    request.end(JSON.stringify({ records: [{ data }] }));
  });
