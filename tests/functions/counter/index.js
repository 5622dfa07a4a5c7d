let calls = 0;
exports.main = () => ({ calls: ++calls, pid: process.pid });
