module.exports = { name: 'deep ' + require('helper.js').name };
