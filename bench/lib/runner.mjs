/**
 * Runs cells and makes their records. The runs of a scenario's cells are interleaved, so that a slow minute of the
 * machine slows all of them.
 */
import { OURS } from './contestants.mjs';
import { choosePinning } from './pinning.mjs';
import { Progress } from './progress.mjs';
import { recordOf, valueAt } from './record.mjs';
import { NotStarted, sample } from './sample.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { quantity } from './words.mjs';

export class Runner {
  #settings;
  #about;
  #progress = new Progress(process.stderr);
  #done = 0;
  #total;

  /**
   * @param {{ runs: number, seconds: number, warmup: number, pin: boolean, loadgen?: string }} settings
   * @param {{ date: string, versions: object, machine: object }} about
   * @param {number} total of all cells, for whoever waits
   */
  constructor(settings, about, total) {
    this.#settings = settings;
    this.#about = about;
    this.#total = total;
  }

  /** All cells of one scenario, in the order given. */
  async run(cells) {
    const [{ scenario: name }] = cells;
    const scenario = SCENARIOS[name];
    const pinning = this.#pinning(scenario);
    const tries = cells.map((cell) => ({ cell, samples: [], failure: undefined }));
    for (let run = 1; run <= this.#settings.runs; run++) {
      for (const one of tries) await this.#once(one, scenario, pinning, run);
    }
    const pinned = pinning.server === undefined ? null : { server: pinning.server, client: pinning.load };
    return tries.map(({ cell, samples, failure }) =>
      recordOf(cell, scenario, samples, { ...this.#about, pinned, failure }),
    );
  }

  async #once(one, scenario, pinning, run) {
    const { cell, samples } = one;
    if (run === 1) this.#done += 1;
    if (one.failure !== undefined || cell.reason !== undefined) return;
    const { runs, seconds, warmup, loadgen } = this.#settings;
    const who = `${cell.name}${cell.io === null ? '' : `, ${cell.io}`}`;
    this.#progress.begin(`${this.#done}/${this.#total}  ${cell.scenario}  ${who}  run ${run}/${runs}`);
    const onProgress = (messages) => this.#progress.update(`${messages.toLocaleString('en')} messages`);
    try {
      samples.push(await sample(cell, scenario, { loadgen, pinning, seconds, warmup, onProgress }));
      this.#progress.end(this.#news(one, scenario));
    } catch (error) {
      // Others that never start cannot be had here; what breaks after that, or is ours, is a fault.
      const isAbsent = error instanceof NotStarted && run === 1 && !OURS.includes(cell.server);
      if (isAbsent) cell.reason = error.message;
      else one.failure = error.message;
      this.#progress.end(`${isAbsent ? 'skipped' : 'FAILED'}: ${error.message}`);
    }
  }

  #news({ cell, samples }, scenario) {
    const { figure } = recordOf(cell, scenario, samples.slice(-1), this.#about);
    return figure === null ? '' : quantity(figure.name, valueAt(samples.at(-1), figure.name), scenario.unit);
  }

  #pinning(scenario) {
    if (!this.#settings.pin) return { reason: '--no-pin' };
    return scenario.free ? { reason: 'the scenario is not' } : choosePinning(scenario);
  }
}
