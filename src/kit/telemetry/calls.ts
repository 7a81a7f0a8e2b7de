import {
  type Attributes,
  context,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Apis, Provider, ProviderCall } from '../provider/index.ts';
import { causeOf, durationBounds, knownMethod, serverOf } from './http-names.ts';
import { scope } from './state.ts';
import { traceHeaders } from './trace-context.ts';

/** What goes out: calls to the provider, which get no header of ours, and to APIs, which get the trace's. */
export function outgoingCalls(apis: Apis) {
  const tracer = trace.getTracer(scope);
  const duration = metrics.getMeter(scope).createHistogram('http.client.request.duration', {
    unit: 's',
    description: 'Duration of calls to the identity provider and to APIs',
    advice: { explicitBucketBoundaries: durationBounds },
  });

  /** Runs something inside a span, so that the calls it makes are below it. */
  function inSpan<Args extends unknown[], T>(name: string, work: (...args: Args) => Promise<T>) {
    return (...args: Args): Promise<T> =>
      tracer.startActiveSpan(name, async (span) => {
        try {
          return await work(...args);
        } catch (error) {
          throw failed(span, error);
        } finally {
          span.end();
        }
      });
  }

  /** One call to an API. Its address may contain anything, so the API is named as in site.ts. */
  async function apiCall<T>(
    url: URL,
    method: string | undefined,
    call: (headers: Record<string, string>) => Promise<T>,
    statusOf: (answer: T) => number | undefined,
  ): Promise<T> {
    const started = performance.now();
    const name = nameIn(apis, url);
    const known = knownMethod(method?.toUpperCase() ?? 'GET');
    const attributes: Attributes = { 'http.request.method': known, ...serverOf(url), 'app.api': name };
    const span = tracer.startSpan(`${known} ${name}`, { kind: SpanKind.CLIENT, attributes });
    const within = trace.setSpan(context.active(), span);
    try {
      const answer = await context.with(within, call, undefined, traceHeaders(within));
      const status = statusOf(answer);
      if (status !== undefined) attributes['http.response.status_code'] = status;
      if (Number(status) >= 400) {
        attributes['error.type'] = String(status);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      return answer;
    } catch (error) {
      const { reason } = error as { reason?: string };
      attributes['error.type'] = reason ?? causeOf(error as Error);
      throw failed(span, error);
    } finally {
      duration.record((performance.now() - started) / 1000, attributes);
      span.setAttributes(attributes).end();
    }
  }

  return {
    /** For each call to the provider: its duration, and a span. */
    providerCall({ method, url, ms, status, failure }: ProviderCall): void {
      const attributes: Attributes = {
        'http.request.method': method,
        ...serverOf(url),
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
      redeemCode: inSpan('sign_in.finish', provider.redeemCode),
      refresh: inSpan('token.refresh', provider.refresh),
      exchange: inSpan('token.exchange', provider.exchange),
      revoke: inSpan('token.revoke', provider.revoke),
      fetchApi: (tokens, url, init = {}) =>
        apiCall(
          url,
          init.method,
          (headers) => provider.fetchApi(tokens, url, withHeaders(init, headers)),
          ({ response }) => response.status,
        ),
      streamApi: (tokens, url, request) =>
        apiCall(
          url,
          request.method,
          (headers) => provider.streamApi(tokens, url, withHeaders(request, headers)),
          ({ message }) => message.statusCode,
        ),
    }),
  };
}

/** The reason and no more: an error's message may contain what the provider said (R20). */
function failed(span: Span, error: unknown): unknown {
  const { reason, name } = error as Error & { reason?: string };
  span.setAttribute('error.type', reason ?? name).setStatus({ code: SpanStatusCode.ERROR });
  return error;
}

/** Of APIs below each other's address, the one that is nearest. */
function nameIn(apis: Apis, { href }: URL): string {
  let [found, length] = ['_OTHER', 0];
  for (const [name, { url }] of apis) {
    if (url && url.href.length > length && href.startsWith(url.href.replace(/\/$/, '')))
      [found, length] = [name, url.href.length];
  }
  return found;
}

/** Ours take the place of those that are given, such as by a script through the proxy: two would be sent as one that is none. */
function withHeaders<T extends { headers?: Record<string, string> }>(
  init: T,
  own: Record<string, string>,
): T & { headers: Record<string, string> } {
  if (own.traceparent === undefined) return { headers: {}, ...init };
  const given = Object.entries(init.headers ?? {}).filter(([name]) => !/^trace(parent|state)$/i.test(name));
  return { ...init, headers: { ...Object.fromEntries(given), ...own } };
}
