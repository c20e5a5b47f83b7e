/** Input from a person at a terminal: a prompt with editing and history, below what others say. */
import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline';
import type { Context } from './context.js';
import type { Input } from './lines.js';

/** Lines typed at the prompt, until Ctrl-D. What the context shows goes above the line being typed. */
export function terminalInput(context: Context): Input {
  const { stdin: input, stdout: output } = process;
  const terminal = createInterface({ input, output, prompt: '> ', historySize: 1000 });
  // The terminal gives Ctrl-C to the prompt instead of making a signal of it.
  terminal.on('SIGINT', () => context.interrupt());
  context.aside = (show) => {
    const { rows } = terminal.getCursorPos();
    if (rows > 0) moveCursor(output, 0, -rows);
    cursorTo(output, 0);
    clearScreenDown(output);
    show();
    terminal.prompt(true);
  };
  return {
    async *[Symbol.asyncIterator]() {
      terminal.prompt();
      for await (const line of terminal) {
        yield Buffer.from(line);
        terminal.prompt();
      }
    },
    close() {
      context.aside = (show) => show();
      terminal.close();
    },
  };
}
