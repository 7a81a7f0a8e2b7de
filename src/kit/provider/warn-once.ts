import type { Log } from '../log/index.ts';

export type WarnOnce = (message: string, hint: string) => void;

/** Logs each warning once: what it is about rarely changes while the app runs. */
export function warnOnceIn(log: Log): WarnOnce {
  const said = new Set<string>();
  return (message, hint) => {
    if (said.has(message)) return;
    said.add(message);
    log.warn({ hint }, message);
  };
}
