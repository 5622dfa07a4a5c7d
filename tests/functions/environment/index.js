exports.main = async (event) => ({
  values: Object.fromEntries(event.names.map((name) => [name, process.env[name]])),
  timeZone: new Date(0).getTimezoneOffset(),
  node: process.versions.node,
});
