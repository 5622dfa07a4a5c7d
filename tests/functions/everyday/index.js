// What small businesses put into their functions: dates, lists, tables for Excel, pages.
const _ = require('lodash');
const moment = require('moment');
const dayjs = require('dayjs');
const xlsx = require('node-xlsx');
const { JSDOM } = require('jsdom');

require('moment/locale/zh-cn');
require('dayjs/locale/zh-cn');
dayjs.extend(require('dayjs/plugin/utc'));

exports.main = async (event) => {
  const rows = [
    ['name', 'price'],
    ['苹果', 3.5],
    ['梨', 2],
  ];
  const book = xlsx.build([{ name: '价目', data: rows }]);
  const [sheet] = xlsx.parse(Buffer.from(book));
  const page = new JSDOM('<ul><li>一</li><li>二</li></ul>');
  const items = page.window.document.querySelectorAll('li');
  return {
    bundled: require('fs').existsSync('.yunkai/bundle.js'),
    groups: _.groupBy(rows.slice(1), (row) => row[1] > 3),
    chunked: _.chunk(_.range(5), 2),
    moment: moment.utc(event.time).locale('zh-cn').format('LL dddd'),
    dayjs: dayjs.utc(event.time).locale('zh-cn').format('YYYY年M月D日 dddd'),
    sheet: { name: sheet.name, data: sheet.data },
    items: [...items].map((item) => item.textContent),
  };
};
