module.exports = { name: 'controller' };
