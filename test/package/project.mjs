/** An empty project of a user, and what is installed into it. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const PROGRAMS = ['exchange.mjs', 'exchange.cjs', 'bundled.mjs'];
/** No program of a test takes longer, ms. */
const TIME = 60_000;
/** How much of a failure is shown, characters. */
const SHOWN = 2_000;

export class Project {
  /** Outside of any other project: nothing is found in a directory above. */
  directory = mkdtempSync(join(tmpdir(), 'qw-project-'));

  constructor() {
    writeFileSync(join(this.directory, 'package.json'), '{"name":"empty","private":true}\n');
    for (const program of PROGRAMS) cpSync(join(HERE, program), join(this.directory, program));
  }

  /** Installs with npm, from one registry alone, where there is neither compiler nor cargo. */
  async install(url, ...args) {
    const tools = join(this.directory, '.tools');
    mkdirSync(tools);
    const npm = join(dirname(process.execPath), 'npm');
    for (const [name, file] of [
      ['node', process.execPath],
      ['npm', realpathSync(npm)],
    ])
      symlinkSync(file, join(tools, name));
    const options = ['--registry', url, '--cache', join(this.directory, '.npm'), '--no-audit', '--no-fund'];
    const began = performance.now();
    await this.run(join(tools, 'npm'), ['install', 'qwormhole', ...options, ...args], { PATH: tools });
    return performance.now() - began;
  }

  /** The packages that are there. */
  get installed() {
    return readdirSync(join(this.directory, 'node_modules')).filter((name) => !name.startsWith('.'));
  }

  has(path) {
    return existsSync(join(this.directory, path));
  }

  /**
   * Runs a program in the project; gives its standard output and its standard error. Rejects with both if it fails.
   * Not by a call that waits: the registry is in this process.
   */
  run(file, args, env = {}) {
    const { PATH = '', HOME = '' } = process.env;
    const options = {
      cwd: this.directory,
      env: { PATH: [dirname(process.execPath), PATH].join(delimiter), HOME, ...env },
      timeout: TIME,
    };
    return new Promise((resolve, reject) => {
      execFile(file, args, options, (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, stderr });
        else
          reject(
            new Error(`${file} ${args.join(' ')}: exit code ${error.code}\n${stdout}${stderr.slice(-SHOWN)}`),
          );
      });
    });
  }
}
