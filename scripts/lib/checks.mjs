/** A row of checks that all run, whatever becomes of the earlier ones, and a summary that ends with what failed. */

export class Checks {
  #rows = [];
  #failures = [];

  /** Runs a check; its fault is shown and remembered. */
  async run(title, check) {
    try {
      const note = await check();
      this.#rows.push({ title, state: 'passed', note });
    } catch (error) {
      console.error(`\n${error.message}\n`);
      this.#rows.push({ title, state: 'FAILED' });
      this.#failures.push(...(error.failures ?? []));
    }
  }

  /** Remembers that a check was left out, and why. */
  skip(title, reason) {
    console.log(`${title}: skipped (${reason})`);
    this.#rows.push({ title, state: 'skipped', note: reason });
  }

  /** Prints the summary and sets the exit code. */
  summarise() {
    const width = Math.max(...this.#rows.map(({ title }) => title.length));
    console.log('\nSummary');
    for (const { title, state, note } of this.#rows) {
      console.log(`  ${title.padEnd(width)}  ${state}${note ? ` (${note})` : ''}`);
    }
    if (this.#failures.length > 0) console.log('\nFailed');
    for (const failure of this.#failures) console.log(`  ${failure}`);
    if (this.#rows.some(({ state }) => state === 'FAILED')) process.exitCode = 1;
  }
}
