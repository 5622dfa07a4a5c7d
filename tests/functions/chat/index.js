/** Handles the events of WebSockets: refuses, echoes, forwards, and notes who was there. */
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const notes = cloud.database().collection('notes');

const sendback = 'http://set-websocket.cb-common.apigateway.tencentyun.com/api-1';

async function post(url, socket) {
  const body = JSON.stringify({ websocket: socket });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body });
  return response.json();
}

async function message({ secConnectionID, dataType, data }) {
  if (dataType === 'binary') return { websocket: { action: 'data send', dataType, data } };
  const [command, ...rest] = data.split(' ');
  const text = { action: 'data send', secConnectionID, dataType: 'text' };
  if (command === 'echo') return { websocket: { ...text, data: rest.join(' ') } };
  if (command === 'twice') {
    await post(sendback, { ...text, data: 'first' });
    await post('http://yunkai.internal/_ws', { ...text, data: 'second' });
    return { websocket: { ...text, data: 'third' } };
  }
  if (command === 'to') {
    const [secConnectionID, ...words] = rest;
    const told = await post(sendback, { ...text, secConnectionID, data: words.join(' ') });
    return { websocket: { ...text, data: JSON.stringify(told) } };
  }
  if (command === 'bye') return { websocket: { action: 'closing', secConnectionID } };
  if (command === 'fail') throw new Error('no');
  if (command === 'who') {
    const { OPENID = '' } = cloud.getWXContext();
    return { websocket: { ...text, data: OPENID } };
  }
  if (command === 'wait') {
    await new Promise((resolve) => setTimeout(resolve, Number(rest[0])));
    return { websocket: { ...text, data: data } };
  }
  return 'nothing to send';
}

exports.main = async (event) => {
  const { requestContext, websocket } = event;
  if (!websocket) return post(sendback, event.send);
  if (websocket.action === 'connecting') {
    if (requestContext.queryString.refuse) return { errNo: 102, errMsg: 'not you' };
    const { secConnectionID, secWebSocketProtocol } = websocket;
    await notes.doc(secConnectionID).set({ data: { event } });
    const answer = { action: 'connecting', secConnectionID, secWebSocketProtocol };
    return { errNo: 0, errMsg: 'ok', websocket: answer };
  }
  if (websocket.action === 'closing') {
    await notes.doc(websocket.secConnectionID).update({ data: { closed: true } });
    return null;
  }
  return message(websocket);
};
