import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Attributes,
  type Context,
  context,
  metrics,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { routeOf } from '../log/route.ts';
import { durationBounds, knownMethod } from './http-names.ts';
import { hasTraces, scope } from './state.ts';
import { traceOf } from './trace-context.ts';

type Middleware = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

interface Options {
  /** Whether the caller is a proxy of ours, whose trace counts. */
  trusted: (req: IncomingMessage) => boolean;
  /** What is counted but not traced: nobody looks for a file or a probe in a trace. */
  untraced: (path: string) => boolean;
}

/**
 * Measures each request and traces it, under the names of the semantic conventions for HTTP. Nothing of an address, a
 * header or a host goes into either but the route: an address may contain a code (R20), and anybody can make up new ones.
 *
 * @param baseUrl whose scheme users see, whatever a request says
 */
export function requestTelemetry(baseUrl: string): (options: Options) => Middleware {
  const duration = metrics.getMeter(scope).createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'Duration of the requests to this app',
    advice: { explicitBucketBoundaries: durationBounds },
  });
  const tracer = hasTraces() ? trace.getTracer(scope) : undefined;
  const scheme = new URL(baseUrl).protocol.slice(0, -1);
  const route = boundedRoutes();

  return ({ trusted, untraced }) =>
    (req, res, next) => {
      // An instrumentation that somebody has attached themselves does all this.
      if (trace.getActiveSpan()) return next();
      const started = performance.now();
      const method = knownMethod(req.method);
      const parent = tracer && trusted(req) ? traceOf(req.headers) : ROOT_CONTEXT;
      const attributes = { 'http.request.method': method, 'url.scheme': scheme };
      const span =
        tracer && untraced(pathOf(req.url ?? ''))
          ? unrecorded(parent)
          : tracer?.startSpan(nameOf(method), { kind: SpanKind.SERVER, attributes }, parent);
      res.once('close', () => {
        const all: Attributes = { ...attributes, ...outcome(res), ...named(route(req)) };
        duration.record((performance.now() - started) / 1000, all);
        if (!span) return;
        if (all['http.route'] !== undefined) span.updateName(`${nameOf(method)} ${all['http.route']}`);
        if (res.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.setAttributes(all).end();
      });
      if (span) context.with(trace.setSpan(parent, span), next);
      else next();
    };
}

const nameOf = (method: string) => (method === '_OTHER' ? 'HTTP' : method);
const named = (route: string | undefined) => (route === undefined ? {} : { 'http.route': route });

/** Only names a trace, so that the request's log lines have an id. */
function unrecorded(parent: Context): Span {
  const id = (bytes: number) => randomBytes(bytes).toString('hex');
  const above = trace.getSpanContext(parent);
  return trace.wrapSpanContext(above ?? { traceId: id(16), spanId: id(8), traceFlags: TraceFlags.NONE });
}

/** Who went away before an answer began got no status. */
function outcome(res: ServerResponse): Attributes {
  if (!res.headersSent) return { 'error.type': 'aborted' };
  const { statusCode } = res;
  return {
    'http.response.status_code': statusCode,
    ...(statusCode >= 500 && { 'error.type': String(statusCode) }),
  };
}

function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

/** The route of a request, out of a bounded number: where a router of the site is mounted at a parameter, its value is in it. */
function boundedRoutes(most = 300): (req: IncomingMessage) => string | undefined {
  const known = new Set<string>();
  return (req) => {
    const route = routeOf(req);
    if (route === undefined || known.has(route)) return route;
    if (known.size >= most || route.length > 200) return '_OTHER';
    known.add(route);
    return route;
  };
}
