const axios = require('axios');

exports.main = async ({ url }) => {
  const posted = await axios.post(
    `${url}/post?by=axios`,
    { 名: '值' },
    { headers: { 'x-a': '1' } },
  );
  const missing = await axios.get(`${url}/missing`).catch((error) => error.response.status);
  const picture = await axios.get(`${url}/bytes`, { responseType: 'arraybuffer' });
  return {
    posted: posted.data,
    missing,
    bytes: [...picture.data],
    bundled: require('fs').existsSync('.yunkai/bundle.js'),
  };
};
