import { type Attributes, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Audit, AuditDetails, AuditEvent } from './log/index.ts';
import type { Provider, ProviderCall } from './provider/index.ts';
import type { Sessions } from './store/index.ts';

// Metrics and traces by the OpenTelemetry API alone: without an SDK each of these calls does nothing.
// docs/operations.md shows how to attach one. No name holds a user, a session or a token.

const scope = 'web-app';

/** The bounds that the semantic conventions advise for durations of HTTP calls, in seconds. */
const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export type Telemetry = ReturnType<typeof createTelemetry>;

/** Call it after the SDK was attached: instruments that are made before it stay silent. */
export function createTelemetry() {
  const meter = metrics.getMeter(scope);
  const tracer = trace.getTracer(scope);
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description });
  const signIns = counter('app.sign_ins', '{sign_in}', 'Sign-ins that came to an end, by result');
  const signOuts = counter('app.sign_outs', '{session}', 'Sessions that were ended, by cause');
  const refreshes = counter('app.token_refreshes', '{refresh}', 'Token refreshes, by result');
  const storeErrors = counter('app.store.errors', '{request}', 'Requests whose session could not be read');
  const duration = meter.createHistogram('http.client.request.duration', {
    unit: 's',
    description: 'Duration of calls to the identity provider',
    advice: { explicitBucketBoundaries: durationBounds },
  });

  const counts: Partial<Record<AuditEvent, (details: AuditDetails) => void>> = {
    'sign_in.succeeded': () => signIns.add(1, { result: 'succeeded' }),
    'sign_in.failed': ({ reason }) => signIns.add(1, failed(reason)),
    sign_out: () => signOuts.add(1, { cause: 'signed-out' }),
    'session.ended': ({ reason = 'unknown' }) => signOuts.add(1, { cause: reason }),
    'token.refreshed': () => refreshes.add(1, { result: 'succeeded' }),
    'token.refresh_failed': ({ reason }) => refreshes.add(1, failed(reason)),
  };

  /** Runs something inside a span, so that the calls it makes stand below it. */
  function inSpan<Args extends unknown[], T>(name: string, work: (...args: Args) => Promise<T>) {
    return (...args: Args): Promise<T> =>
      tracer.startActiveSpan(name, async (span) => {
        try {
          return await work(...args);
        } catch (error) {
          // The reason and no more: an error's message may hold what the provider said (R20).
          const { reason, name } = error as Error & { reason?: string };
          span.setAttribute('error.type', reason ?? name).setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      });
  }

  return {
    /** Audit events are counted as they are written. */
    measuredAudit:
      (audit: Audit): Audit =>
      (event, details, req) => {
        counts[event]?.(details);
        audit(event, details, req);
      },

    /** Each request reads its session first, so a store that fails shows there. */
    measuredSessions(sessions: Sessions): Sessions {
      const { store } = sessions;
      const get = store.get.bind(store);
      store.get = (id, done) =>
        get(id, (error, session) => {
          if (error) storeErrors.add(1, { 'error.type': error.name });
          done(error, session);
        });
      return sessions;
    },

    /** For each call to the provider: its duration, and a span. */
    providerCall({ method, url, ms, status, failure }: ProviderCall): void {
      const attributes: Attributes = {
        'http.request.method': method,
        'server.address': url.hostname,
        'server.port': Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
        // An endpoint of the provider's metadata: a handful of values.
        'url.template': url.pathname,
        ...(status !== undefined && { 'http.response.status_code': status }),
        ...((failure || Number(status) >= 400) && { 'error.type': String(status ?? causeOf(failure)) }),
      };
      duration.record(ms / 1000, attributes);
      const span = tracer.startSpan(`${method} ${url.pathname}`, {
        kind: SpanKind.CLIENT,
        startTime: Date.now() - ms,
        // Without the query: the address of a span is read by many (R20).
        attributes: { ...attributes, 'url.full': url.origin + url.pathname },
      });
      if (attributes['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },

    tracedProvider: (provider: Provider): Provider => ({
      ...provider,
      authorizationUrl: inSpan('sign_in.start', provider.authorizationUrl),
      finishSignIn: inSpan('sign_in.finish', provider.finishSignIn),
      refresh: inSpan('token.refresh', provider.refresh),
      exchange: inSpan('token.exchange', provider.exchange),
      revoke: inSpan('token.revoke', provider.revoke),
    }),
  };
}

function failed(reason = 'unknown'): Attributes {
  return { result: 'failed', 'error.type': reason };
}

/** Such as ECONNREFUSED; else the error's name. */
function causeOf(failure: Error | undefined): string {
  return (failure?.cause as NodeJS.ErrnoException | undefined)?.code ?? failure?.name ?? '_OTHER';
}
