import { type ChildProcess, spawn } from 'node:child_process';

/** A child that has not ended of its own accord after this time is killed. */
const graceMs = 10_000;

export interface Children {
  /** Starts a Node process that ends when this one does: its standard input is a pipe that nobody writes to. */
  start(args: string[], env: NodeJS.ProcessEnv): ChildProcess;
  /** Asks one of them to end. */
  end(child: ChildProcess): void;
  /** Asks each of them to end. */
  endAll(): void;
}

export function createChildren(): Children {
  const running = new Set<ChildProcess>();
  function end(child: ChildProcess): void {
    // Windows knows no signals: there it would be killed. It hears the end of its standard input everywhere.
    if (process.platform === 'win32') child.stdin?.end();
    else child.kill('SIGTERM');
    setTimeout(() => running.has(child) && child.kill('SIGKILL'), graceMs).unref();
  }
  return {
    end,
    start(args, env) {
      // An address, not a path: Windows would take the `C:` of a path for a scheme.
      const leash = import.meta.resolve('./leash.ts');
      const child = spawn(process.execPath, ['--import', leash, ...args], {
        env,
        stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      });
      running.add(child);
      // `close`, not `exit`: what the child itself has started writes to the same pipes.
      child.once('close', () => running.delete(child));
      // It may be gone before we say that it should go.
      child.stdin?.on('error', () => {});
      return child;
    },
    endAll() {
      for (const child of running) end(child);
    },
  };
}
