/** Required before the server: the limit that Node has for a whole request, five minutes, is a second and a half. */
const http = require('node:http');
const { syncBuiltinESMExports } = require('node:module');

const { createServer } = http;
http.createServer = (options, listener) => createServer({ requestTimeout: 1500, ...options }, listener);
syncBuiltinESMExports();
