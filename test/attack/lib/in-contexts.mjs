/**
 * A program that evaluates the package anew in contexts of `node:vm`, as test runners do for each file, and with values
 * of other realms. It says what it saw, and ends by itself.
 */
import { createContext, runInNewContext, SourceTextModule, SyntheticModule } from 'node:vm';
import { readFileSync } from 'node:fs';

const ENTRY = new URL('../../../dist/index.js', import.meta.url).href;
const ROUNDS = 3;
/** What the language itself has, each context has of its own: but for these two, which are those of Node's buffers. */
const OF_BUFFERS = ['ArrayBuffer', 'Uint8Array'];

/** Node's globals, in a context. */
function context() {
  const own = new Set(Object.getOwnPropertyNames(runInNewContext('globalThis')));
  const names = Object.getOwnPropertyNames(globalThis);
  const of = names.filter((name) => !own.has(name) || OF_BUFFERS.includes(name));
  return createContext(Object.fromEntries(of.map((name) => [name, globalThis[name]])));
}

/** All modules of the package, evaluated in a context; what it imports is Node's. */
class Realm {
  #context = context();
  #modules = new Map();

  async evaluate(url) {
    const module = await this.#module(url);
    if (module.status === 'unlinked')
      await module.link((specifier, { identifier }) => this.#resolve(specifier, identifier));
    await module.evaluate();
    return module.namespace;
  }

  #resolve(specifier, from) {
    return specifier.startsWith('.') ? this.#module(new URL(specifier, from).href) : this.#outside(specifier);
  }

  #module(url) {
    const known = this.#modules.get(url);
    if (known !== undefined) return known;
    const module = new SourceTextModule(readFileSync(new URL(url), 'utf8'), {
      context: this.#context,
      identifier: url,
      initializeImportMeta: (meta) => (meta.url = url),
      importModuleDynamically: async (specifier) =>
        specifier.startsWith('.')
          ? await this.evaluate(new URL(specifier, url).href)
          : await import(specifier),
    });
    this.#modules.set(url, module);
    return module;
  }

  async #outside(specifier) {
    const known = this.#modules.get(specifier);
    if (known !== undefined) return known;
    const names = await import(specifier);
    const module = new SyntheticModule(
      Object.keys(names),
      () => {
        for (const [name, value] of Object.entries(names)) module.setExport(name, value);
      },
      { context: this.#context },
    );
    this.#modules.set(specifier, module);
    return module;
  }
}

/** What comes back of bytes of another realm, with options of another one. */
async function exchange({ listen, connect }) {
  const server = await listen('tcp://127.0.0.1:0', runInNewContext('({ protocol: "length-prefixed" })'));
  server.on('message', (message, connection) => void connection.send(message));
  const client = await connect(server.addresses[0], { protocol: 'length-prefixed' });
  const echo = new Promise((resolve) => client.once('message', resolve));
  client.send(runInNewContext('new Uint8Array([104, 105])'));
  const text = String(await echo);
  await client.close();
  await server.close();
  return { mode: server.mode, text };
}

const seen = [];
for (let round = 0; round < ROUNDS; round += 1) {
  seen.push(await exchange(await new Realm().evaluate(ENTRY)));
  globalThis.gc();
}
seen.push(await exchange(await import(ENTRY)));
console.log(JSON.stringify(seen));
