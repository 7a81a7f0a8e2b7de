import { setTimeout as sleep } from 'node:timers/promises';
import { CollectorWatch } from './collector.ts';
import type { Attached } from './contract.ts';
import { readTelemetrySettings } from './settings.ts';
import { isAttached, traceFields } from './state.ts';

/** A collector that does not answer holds up no stop for longer. */
const patienceMs = 800;

/** See `attachTelemetry`. */
export async function attach(env: NodeJS.ProcessEnv, asked: boolean): Promise<Attached> {
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
