const cloud = require('wx-server-sdk');
const TcbRouter = require('tcb-router');

cloud.init();

exports.main = async (event, context) => {
  const app = new TcbRouter({ event });

  app.use(async (ctx, next) => {
    ctx.data = {};
    ctx.data.openId = event.userInfo.openId;
    await next();
  });

  app.router(
    'music',
    async (ctx, next) => {
      ctx.data.musicName = '数鸭子';
      await next();
    },
    async (ctx) => {
      ctx.data.musicType = '儿歌';
      ctx.body = { data: ctx.data };
    },
  );

  app.router(['movie', 'film'], async (ctx) => {
    ctx.body = { data: { ...ctx.data, movieName: '钢铁侠' } };
  });

  return app.serve();
};
