import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a process has said last may still be on its way; whatever it has started may keep the way open. */
const lastWordsMs = 500;

export interface Restarts {
  /** Ends the app, if it runs, and starts it again. */
  restart(): void;
  /** Starts nothing any more. */
  stop(): void;
}

interface Runs {
  start(): ChildProcess;
  /** Asks it to end. */
  end(child: ChildProcess): void;
  /** It has ended of its own accord, and all that it said has come. */
  ended(code: number | null): void;
}

/** Runs the app once at a time: the next one starts when the one before it has ended, and with it has left the port. */
export function runAgain({ start, end, ended }: Runs): Restarts {
  let running: ChildProcess | undefined;
  let wanted = false;
  let stopped = false;

  function begin(): void {
    const child = start();
    running = child;
    const closed = once(child, 'close');
    child.once('exit', async (code) => {
      await Promise.race([closed, sleep(lastWordsMs)]);
      running = undefined;
      if (stopped) return;
      if (!wanted) return ended(code);
      wanted = false;
      begin();
    });
  }

  begin();
  return {
    restart() {
      if (stopped || wanted) return;
      if (!running) return begin();
      wanted = true;
      end(running);
    },
    stop() {
      stopped = true;
    },
  };
}
