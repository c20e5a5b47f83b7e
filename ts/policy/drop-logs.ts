/** The messages of a connection that were dropped, in two logs. Made with the first: most connections never drop any. */
import { DropLog, type DropRun } from './drop-log.js';

export class DropLogs {
  /** Those that were not accepted. */
  readonly refused: DropLog;
  /** Those that were accepted before. */
  readonly lost: DropLog;

  constructor(report: (run: DropRun) => void) {
    this.refused = new DropLog(report);
    this.lost = new DropLog(report);
  }

  /** Ends the runs under way. */
  end(): void {
    this.refused.end();
    this.lost.end();
  }
}
