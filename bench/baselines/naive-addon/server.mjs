/**
 * Echo on the naive addon: `node server.mjs [--port 0] [--addon FILE]`. The file is what
 * `cargo build --release -p qwormhole-naive-addon` made; QWORMHOLE_NAIVE_ADDON may name it as well.
 */
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { announce, portFromArguments } from '../serve.mjs';

const { values } = parseArgs({ options: { addon: { type: 'string' } }, strict: false });
const file = values.addon ?? process.env.QWORMHOLE_NAIVE_ADDON;
if (file === undefined) {
  console.error('naive-addon: name the built library with --addon or QWORMHOLE_NAIVE_ADDON');
  process.exit(2);
}

// Not `require`: that takes only `.node` files, and cargo calls the library .so, .dylib or .dll.
const addon = { exports: {} };
process.dlopen(addon, resolve(file));

const { listen, send } = addon.exports;
announce(
  listen(portFromArguments(), (connection, message) => {
    send(connection, message);
  }),
);
