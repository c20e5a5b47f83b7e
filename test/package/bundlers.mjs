/** Bundlers, each with the package in the bundle and with the package left outside. */
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const EXTERNAL = ['qwormhole'];

/** @param {string} modules Where the bundlers are installed. */
export function bundlers(modules) {
  const require = createRequire(join(modules, 'index.js'));
  const load = (name) => import(pathToFileURL(require.resolve(name)).href);
  return [
    { name: 'esbuild, ES module', bundle: (project, isInside) => esbuild(load, project, isInside, 'esm') },
    { name: 'esbuild, CommonJS', bundle: (project, isInside) => esbuild(load, project, isInside, 'cjs') },
    { name: 'webpack', bundle: (project, isInside) => webpack(load, project, isInside) },
    { name: 'rollup', bundle: (project, isInside) => rollup(load, project, isInside) },
  ];
}

async function esbuild(load, directory, isInside, format) {
  const outfile = join(directory, `out/esbuild-${format}-${isInside}.${format === 'esm' ? 'mjs' : 'cjs'}`);
  const { build } = await load('esbuild');
  await build({
    absWorkingDir: directory,
    entryPoints: ['bundled.mjs'],
    bundle: true,
    platform: 'node',
    format,
    outfile,
    logLevel: 'silent',
    external: isInside ? [] : EXTERNAL,
    // ws is CommonJS, and asks for Node's modules by require.
    ...(format === 'esm' && {
      banner: {
        js: "import { createRequire as cr } from 'node:module'; const require = cr(import.meta.url);",
      },
    }),
  });
  return outfile;
}

async function webpack(load, directory, isInside) {
  const { default: run } = await load('webpack');
  const filename = `webpack-${isInside}.cjs`;
  const config = {
    context: directory,
    mode: 'production',
    target: 'node20',
    entry: './bundled.mjs',
    output: { path: join(directory, 'out'), filename },
    externals: isInside ? {} : { qwormhole: 'commonjs qwormhole' },
  };
  const stats = await new Promise((resolve, reject) => {
    run(config, (error, result) => (error ? reject(error) : resolve(result)));
  });
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
  return join(directory, 'out', filename);
}

async function rollup(load, directory, isInside) {
  const [{ rollup: run }, { default: resolve }, { default: commonjs }] = await Promise.all(
    ['rollup', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs'].map(load),
  );
  const file = join(directory, `out/rollup-${isInside}.mjs`);
  const bundle = await run({
    input: join(directory, 'bundled.mjs'),
    external: isInside ? [] : EXTERNAL,
    // What may be absent is asked for by `try`, and stays outside.
    plugins: [
      resolve({ preferBuiltins: true }),
      commonjs({ ignoreDynamicRequires: true, ignoreTryCatch: true }),
    ],
    onLog: () => {},
  });
  await bundle.write({ file, format: 'esm', inlineDynamicImports: true });
  return file;
}
