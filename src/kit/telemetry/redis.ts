import { type Attributes, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RedisConfig } from '../config/index.ts';
import type { ObserveCommand } from '../store/index.ts';
import { scope } from './state.ts';

/** Those of the semantic conventions for databases, in seconds. */
const bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/**
 * Measures each command to Redis, and traces those of a request. Of a command only its name is kept: keys and values
 * are sessions (R20).
 */
export function redisTelemetry({ urls, sentinel }: RedisConfig): ObserveCommand {
  const duration = metrics.getMeter(scope).createHistogram('db.client.operation.duration', {
    unit: 's',
    description: 'Duration of commands to Redis',
    advice: { explicitBucketBoundaries: bounds },
  });
  const tracer = trace.getTracer(scope);
  const server = sentinel ? {} : serverIn(urls); // Sentinels say where it is.

  return (command) => {
    const started = performance.now();
    const name = /^[A-Z]{1,20}$/.test(command) ? command : '_OTHER';
    const attributes: Attributes = { 'db.system.name': 'redis', 'db.operation.name': name, ...server };
    // What goes on after its request, such as looking for a Redis that is away, is none of its trace.
    const span = trace.getActiveSpan()?.isRecording()
      ? tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes })
      : undefined;
    return (failure) => {
      const all = failure === undefined ? attributes : { ...attributes, 'error.type': typeOf(failure) };
      duration.record((performance.now() - started) / 1000, all);
      if (!span) return;
      if (failure !== undefined)
        span.setAttribute('error.type', typeOf(failure)).setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    };
  };
}

/** Redis' own word for it, such as READONLY, or the system's; else the error's name. The rest may quote a key. */
function typeOf(failure: unknown): string {
  const { message = '', code, name } = failure as NodeJS.ErrnoException;
  return /^([A-Z]{2,20}) /.exec(message)?.[1] ?? code ?? name ?? '_OTHER';
}

/** Which of several answers is not known here. */
function serverIn(urls: readonly string[]): Attributes {
  const url = urls.length === 1 ? URL.parse(urls[0] as string) : null;
  if (!url) return {};
  if (url.hostname === '') return { 'server.address': url.pathname };
  return { 'server.address': url.hostname, 'server.port': Number(url.port || 6379) };
}
