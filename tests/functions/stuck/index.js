// Never ends. It can bring a child along, which must not outlive it.
const { spawn } = require('child_process');

exports.main = async (event) => {
  if (event.token) {
    const code = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
    spawn(process.execPath, ['-e', code, event.token], {
      stdio: 'ignore',
      detached: event.detached,
    });
  }
  if (event.spin) for (;;);
  return new Promise(() => {});
};
