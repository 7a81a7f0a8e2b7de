import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Log } from '../log/index.ts';

type Signal = 'metrics' | 'traces';

/** How an export came out: 0 for success. The exporters' packages keep this type to themselves. */
interface ExportResult {
  code: number;
  error?: Error;
}

interface Exporter<T> {
  export(items: T, done: (result: ExportResult) => void): void;
}

/**
 * Says in the log when the collector goes away and when it is back, once each. What the collector answered is not
 * quoted: it may repeat the header that it was sent (R20).
 *
 * @param collector its origin
 */
export class CollectorWatch {
  readonly #collector: string;
  readonly #failing = new Set<Signal>();
  log: Log | undefined;

  constructor(collector: string) {
    this.#collector = collector;
  }

  /** The same exporter, watched. */
  watch<T, E extends Exporter<T>>(signal: Signal, exporter: E & Exporter<T>): E {
    const send = exporter.export.bind(exporter);
    exporter.export = (items, done) =>
      send(items, (result) => {
        this.#note(signal, result);
        done(result);
      });
    return exporter;
  }

  #note(signal: Signal, { code, error }: ExportResult): void {
    const wasAway = this.#failing.size > 0;
    if (code !== 0) this.#failing.add(signal);
    else this.#failing.delete(signal);
    const isAway = this.#failing.size > 0;
    if (wasAway === isAway) return;
    // An export runs in the context of the request that happened to begin it: the line would name that one's trace.
    context.with(ROOT_CONTEXT, () => this.#say(isAway, error));
  }

  #say(isAway: boolean, error: Error | undefined): void {
    const collector = this.#collector;
    if (isAway)
      this.log?.warn(
        { collector, ...explain(error) },
        'the OpenTelemetry collector does not accept what this app sends; the app continues without it',
      );
    else this.log?.info({ collector }, 'the OpenTelemetry collector is back');
  }
}

function explain(error: Error | undefined): { reason: string; hint: string } {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === 401 || code === 403)
    return { reason: `HTTP ${code}`, hint: 'set OTEL_EXPORTER_OTLP_HEADERS to what the collector asks for' };
  const reason = typeof code === 'number' ? `HTTP ${code}` : typeof code === 'string' ? code : 'no answer';
  return {
    reason,
    hint: 'check that OTEL_EXPORTER_OTLP_ENDPOINT is where it listens for OTLP over HTTP, usually port 4318 (4317 is gRPC)',
  };
}
