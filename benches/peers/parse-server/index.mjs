/**
 * Parse Server on PostgreSQL, as its documentation starts it, without dashboard, GraphQL or live
 * queries. Arguments: the folder of the database's socket, the port.
 */
import { createServer } from 'node:http';
import express from 'express';
import { ParseServer } from 'parse-server';

const [host, port] = process.argv.slice(2);
const parse = new ParseServer({
  databaseURI: 'postgres://localhost/postgres',
  // Sockets have no place in its addresses; what stands here goes first.
  databaseOptions: { host, user: 'yunkai' },
  appId: 'bench',
  masterKey: 'bench',
  serverURL: `http://127.0.0.1:${port}/parse`,
  allowClientClassCreation: true,
  silent: true,
  logsFolder: null,
  logLevel: 'error',
});
await parse.start();
const app = express();
app.use('/parse', parse.app);
createServer(app).listen(Number(port), '127.0.0.1', () => {
  process.stdout.write('ready\n');
});
