import type { Config } from '../config/index.ts';
import type { Apis } from '../provider/index.ts';
import type { Attached, Telemetry } from './contract.ts';
import { readTelemetrySettings } from './settings.ts';

export type { Telemetry } from './contract.ts';

// Metrics and traces, by the OpenTelemetry API alone. Names and values hold no user, no session and no token (R20).
// The API is imported only where there is something to measure for: its fifty files and the ten here that use it were 7 %
// of a start.

/**
 * Attaches OpenTelemetry's SDK where OTEL_EXPORTER_OTLP_ENDPOINT is set, or where it is asked for. To be called before the
 * app is assembled. Where somebody has attached an SDK of their own (`--import`), that one stays the only one.
 */
export async function attachTelemetry(env: NodeJS.ProcessEnv, asked: boolean): Promise<Attached> {
  if (!somethingIsAttached() && !readTelemetrySettings(env, asked)) {
    return { logFields: undefined, sayIn() {}, async stop() {} };
  }
  const { attach } = await import('./attach.ts');
  return attach(env, asked);
}

/** Call it after the SDK was attached. */
export async function createTelemetry(config: Config, apis: Apis): Promise<Telemetry> {
  if (somethingIsAttached()) {
    const { measure } = await import('./measure.ts');
    const measured = measure(config, apis);
    if (measured) return measured;
  }
  return {
    measuredAudit: (audit) => audit,
    measuredSessions: (sessions) => sessions,
    tracedProvider: (provider) => provider,
    close() {},
  };
}

/** Whatever is attached to the API, each copy of the API finds it in globalThis, under a symbol of this name. */
function somethingIsAttached(): boolean {
  const symbols = Object.getOwnPropertySymbols(globalThis);
  return symbols.some(({ description }) => description?.startsWith('opentelemetry.js.api.'));
}
