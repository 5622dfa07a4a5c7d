const nodemailer = require('nodemailer');

exports.main = async ({ port }) => {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port, secure: false });
  const sent = await transport.sendMail({
    from: 'shop@example.com',
    to: 'guest@example.com',
    subject: '订单已发货',
    text: '您好',
    attachments: [{ filename: 'a.txt', content: 'attached' }],
  });
  return { accepted: sent.accepted, response: sent.response };
};
