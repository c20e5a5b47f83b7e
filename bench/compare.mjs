/**
 * Servers side by side, in one run on one machine state:
 *
 *   node bench/compare.mjs [--scenario e2] [--runs 3] [--seconds 2] [--warmup 0.5]
 *                          [--only NAME,NAME] [--json FILE]
 *
 * Each run starts every server in turn, so that a slow minute of the machine slows all of them. What
 * cannot run here is listed as skipped, with the reason; a wrong reply is an error and ends in exit
 * code 1. The table goes to standard output, progress to standard error.
 */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import process from 'node:process';

import { build } from './lib/build.mjs';
import { contestants, REFERENCES } from './lib/contestants.mjs';
import { measureLoad, measurePair } from './lib/load.mjs';
import { readOptions } from './lib/options.mjs';
import { choosePinning } from './lib/pinning.mjs';
import { published } from './lib/published.mjs';
import { render } from './lib/report.mjs';
import { ServerProcess } from './lib/server.mjs';
import { median, relate, summarize } from './lib/summary.mjs';

const progress = (text) => process.stderr.write(`${text}\n`);

/** One run of one server. What keeps it from starting makes it skipped, what goes wrong after, failed. */
async function runOnce(entry, loadgen, pinning, settings) {
  let server;
  try {
    server = await ServerProcess.start(entry.contestant.command, pinning.server);
  } catch (error) {
    // Once it did start, so it can be had here: then it is broken.
    entry[entry.runs.length > 0 ? 'failed' : 'skipped'] = error.message;
    return;
  }
  try {
    entry.runs.push(await measureLoad(loadgen, server, { ...settings, core: pinning.load }));
  } catch (error) {
    entry.failed = error.message;
  } finally {
    await server.stop();
  }
}

/** All runs of all servers, interleaved. Returns the machine's yardstick, the median over the runs. */
async function runAll(entries, loadgen, pinning, settings) {
  const pairs = [];
  for (let run = 1; run <= settings.runs; run++) {
    if (loadgen) pairs.push(await measurePair(loadgen, pinning.server));
    for (const entry of entries) {
      if (entry.skipped !== undefined || entry.failed !== undefined) continue;
      await runOnce(entry, loadgen, pinning, settings);
      const cpuUs = entry.runs[run - 1]?.server?.cpuUs.toFixed(3);
      const news = entry.skipped ?? entry.failed ?? `${cpuUs ?? '?'} us/${settings.workload.unit}`;
      progress(`run ${run}/${settings.runs}  ${entry.contestant.name}: ${news}`);
    }
  }
  return median(pairs);
}

function row({ contestant, runs, skipped, failed }) {
  const { name, label } = contestant;
  if (skipped !== undefined) return { name, label, skipped: true, reason: skipped };
  if (failed !== undefined) return { name, label, error: `FAILED: ${failed}` };
  return summarize(contestant, runs);
}

async function main() {
  const settings = readOptions();
  const { scenario, workload, runs, seconds } = settings;
  progress('building the load generator and what is written in Rust');
  const built = await build(workload.wire);
  const pinning = choosePinning(workload);
  if (pinning.reason) progress(`not pinned: ${pinning.reason}`);

  const { file: loadgen, reason: noLoad } = built.loadgen;
  const wanted = contestants(built, workload).filter(({ name }) => settings.only?.includes(name) ?? true);
  const entries = wanted.map((contestant) => ({
    contestant,
    runs: [],
    skipped: contestant.reason ?? noLoad,
  }));
  const pairUs = await runAll(entries, loadgen, pinning, settings);

  const machine = { processor: os.cpus()[0]?.model ?? os.arch(), cores: os.availableParallelism() };
  Object.assign(machine, { system: `${os.type()} ${os.release()}`, node: process.versions.node, pairUs });
  const servers = relate(entries.map(row), REFERENCES[workload.wire], workload);
  const result = { scenario, workload, runs, seconds, pinning, machine, servers };
  result.published = published(scenario);

  console.log(render(result));
  if (settings.json) await writeFile(settings.json, `${JSON.stringify(result, null, 2)}\n`);
  if (entries.some((entry) => entry.failed !== undefined)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`compare: ${error.message}`);
  process.exitCode = 2;
}
