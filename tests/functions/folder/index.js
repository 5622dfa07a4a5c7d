// Reads files by relative names and requires its own files without './'.
const fs = require('fs');
const atLoad = fs.readFileSync('./data.txt', 'utf8').trim();
const helper = require('helper.js');
const deep = require('lib/deep.js');
const controller = require('project/' + 'p1' + '/controller/router.js');

exports.main = async () => ({
  atLoad,
  atCall: fs.readFileSync('data.txt', 'utf8').trim(),
  helper: helper.name,
  deep: deep.name,
  controller: controller.name,
  besideMain: fs.existsSync('index.js'),
  cwdIsDirname: process.cwd() === __dirname,
});
