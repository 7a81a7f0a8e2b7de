import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log/index.ts';
import { CollectorWatch } from './collector.ts';
import { readTelemetrySettings } from './settings.ts';
import { isAttached, traceFields } from './state.ts';

/** A collector that does not answer holds up no stop for longer. */
const patienceMs = 800;

export interface Attached {
  /** What each log line bears besides. */
  logFields: (() => object) | undefined;
  /** Says in the log what is to be said about it, from now on. */
  sayIn(log: Log): void;
  /** Sends what is left, in less than a second. */
  stop(): Promise<void>;
}

/**
 * Attaches OpenTelemetry's SDK where OTEL_EXPORTER_OTLP_ENDPOINT is set, or where it is asked for. To be called before the
 * app is assembled. Where somebody has attached an SDK of their own (`--import`), that one stays the only one.
 */
export async function attachTelemetry(env: NodeJS.ProcessEnv, asked: boolean): Promise<Attached> {
  const foreign = isAttached();
  const settings = foreign ? undefined : readTelemetrySettings(env, asked);
  const watch = new CollectorWatch(settings?.collector ?? '');
  let shutDown: (() => Promise<unknown>) | undefined;
  let missing: string | undefined;
  if (settings?.traces || settings?.metrics) {
    try {
      const { attachSdk } = await import('./sdk.ts');
      shutDown = attachSdk(settings, watch);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      missing = /package '([^']+)'/.exec((error as Error).message)?.[1] ?? 'a package of @opentelemetry';
    }
  }
  return {
    logFields: traceFields(),
    sayIn(log) {
      watch.log = log;
      for (const { message, hint } of settings?.notes ?? []) log.warn({ hint }, message);
      if (missing !== undefined)
        log.warn(
          { missing, hint: 'install the optional dependencies of package.json: npm ci --include=optional' },
          "OpenTelemetry's SDK is not installed, so no metrics and no traces are sent",
        );
    },
    async stop() {
      if (shutDown) await Promise.race([shutDown(), sleep(patienceMs, undefined, { ref: false })]);
    },
  };
}
