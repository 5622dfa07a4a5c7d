/** Asks the existing system behind the server whether the caller may do something. */
const http = require('node:http');

/** Plain Node, as axios and got do it. */
function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function fetched(url, init) {
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text() };
}

exports.main = async (event) => {
  if (event.url) return (event.fetch ? fetched : ask)(event.url, event.init);
  const question = `http://legacy.services.internal/may?photo=${event.photo}`;
  const answer = await ask(question, { headers: { 'X-WX-OPENID': 'somebody else' } });
  if (answer.status !== 200) throw new Error(answer.text);
  return { may: JSON.parse(answer.text).may };
};
