import { EventEmitter, once } from 'node:events';
import { createLog, type Log } from '../log/index.ts';

/** One line of the app's log. */
export type LogLine = Readonly<Record<string, unknown>> & { msg: string };

interface TestLogOptions {
  print: boolean;
  /** Prints no failures of the app. */
  quiet: boolean;
  /** How long a line that is waited for may take. */
  patienceMs?: number;
}

/**
 * The log of a test app, kept for the test. What nobody foresaw is printed in any case, or nobody would know why a page
 * is a 500.
 */
export function createTestLog({ print, quiet, patienceMs = 5_000 }: TestLogOptions) {
  const lines: LogLine[] = [];
  const written = new EventEmitter().setMaxListeners(0);
  const write = (text: string) => {
    const line = JSON.parse(text) as LogLine;
    lines.push(line);
    written.emit('line');
    if (print) process.stdout.write(text);
    else if (line.status === 500 && line.causes !== undefined && !quiet)
      console.error('The app failed:', line.causes);
  };

  /** The latest line of this event that has these fields; waits for one where there is none. */
  async function logged(event: string, fields: Readonly<Record<string, unknown>> = {}): Promise<LogLine> {
    const wanted = Object.entries({ ...fields, event });
    const giveUp = AbortSignal.timeout(patienceMs);
    for (;;) {
      const found = lines.findLast((line) => wanted.every(([name, value]) => line[name] === value));
      if (found) return found;
      await once(written, 'line', { signal: giveUp }).catch(() => {
        throw notLogged(event, fields, lines, patienceMs);
      });
    }
  }

  return {
    lines,
    logged,
    at: (level: string): Log => createLog(print ? level : 'info', { write }),
  };
}

function notLogged(event: string, fields: object, lines: readonly LogLine[], patienceMs: number): Error {
  const same = lines.filter((line) => line.event === event);
  const events = new Set(lines.flatMap((line) => (typeof line.event === 'string' ? [line.event] : [])));
  const there =
    same.length > 0
      ? `"${event}" was logged with ${JSON.stringify(same)}`
      : `The events so far: ${[...events].join(', ') || 'none'}`;
  const wanted = Object.keys(fields).length > 0 ? ` with ${JSON.stringify(fields)}` : '';
  return new Error(`The app has not logged "${event}"${wanted} within ${patienceMs / 1000} s. ${there}.`);
}
