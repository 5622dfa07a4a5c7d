// Accounts and transfers, with transactions as people write them; answers what each call gave.
const cloud = require('wx-server-sdk');
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;

async function caught(promise) {
  try {
    return { result: await promise };
  } catch (error) {
    return { error: error instanceof Error ? String(error.errMsg || error.message) : error };
  }
}

const steps = {
  async shapes() {
    await db.createCollection('shapes');
    await db.collection('shapes').add({ data: { _id: 'old', n: 1, tag: 'x' } });
    const transaction = await db.startTransaction();
    const shapes = transaction.collection('shapes');
    const seen = {};
    seen.get = await shapes.doc('old').get();
    seen.add = await shapes.add({ data: { _id: 'new', n: 2, tag: 'x' } });
    seen.update = await shapes.doc('old').update({ data: { n: _.inc(1) } });
    seen.set = await shapes.doc('third').set({ data: { n: 3, tag: 'x' } });
    seen.where = await shapes.where({ tag: 'x' }).orderBy('n', 'desc').get();
    seen.count = await shapes.where({ n: _.gt(1) }).count();
    seen.remove = await shapes.doc('new').remove();
    seen.outside = await db.collection('shapes').count();
    seen.missing = await caught(shapes.doc('new').get());
    seen.commit = await transaction.commit();
    seen.after = await db.collection('shapes').orderBy('_id', 'asc').get();
    return seen;
  },

  // Takes from one account and gives to another; what the callback returns is the result.
  async transfer({ from, to, amount }) {
    return db.runTransaction(async (transaction) => {
      const accounts = transaction.collection('accounts');
      const payer = (await accounts.doc(from).get()).data;
      if (payer.balance < amount) await transaction.rollback('not enough');
      await accounts.doc(from).update({ data: { balance: _.inc(-amount) } });
      await accounts.doc(to).update({ data: { balance: _.inc(amount) } });
      return { left: payer.balance - amount };
    });
  },

  // Somebody else changes what was read, the first time; the SDK runs the callback again.
  async retried() {
    let runs = 0;
    const result = await db.runTransaction(async (transaction) => {
      runs += 1;
      const { data } = await transaction.collection('accounts').doc('a').get();
      if (runs === 1) {
        await db
          .collection('accounts')
          .doc('a')
          .update({ data: { note: 'meanwhile' } });
      }
      await transaction
        .collection('accounts')
        .doc('a')
        .update({ data: { seen: data.balance } });
      return 'done';
    });
    return { runs, result };
  },

  async thrown() {
    const outcome = await caught(
      db.runTransaction(async (transaction) => {
        await transaction
          .collection('accounts')
          .doc('a')
          .update({ data: { broken: true } });
        throw new Error('the shop is closed');
      }),
    );
    return { outcome, after: (await db.collection('accounts').doc('a').get()).data };
  },

  async rolledBack() {
    const transaction = await db.startTransaction();
    await transaction
      .collection('accounts')
      .doc('a')
      .update({ data: { broken: true } });
    await transaction.rollback('changed my mind');
    return (await db.collection('accounts').doc('a').get()).data;
  },
};

exports.main = async ({ step, ...event }) => {
  try {
    return await steps[step](event);
  } catch (error) {
    return { thrown: error instanceof Error ? String(error.message) : error };
  }
};
