import type { IncomingHttpHeaders } from 'node:http';
import {
  type Context,
  context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';

// W3C Trace Context (https://www.w3.org/TR/trace-context/), and nothing else: `baggage` is not read and not passed on.

/** Version, trace, parent, flags. Later versions may append to it (§4.3). */
const traceparent = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const longestTraceparent = 200;

/** The trace that a request belongs to. Only for a request of a trusted hop: anyone else could choose what is kept. */
export function traceOf({ traceparent: parent, tracestate }: IncomingHttpHeaders): Context {
  if (typeof parent !== 'string' || parent.length > longestTraceparent) return ROOT_CONTEXT;
  const [, version, traceId = '', spanId = '', flags = '', more] = traceparent.exec(parent) ?? [];
  if (version === undefined || (version === '00' && more !== undefined)) return ROOT_CONTEXT;
  const state = typeof tracestate === 'string' ? tracestate : undefined;
  const remote = {
    traceId,
    spanId,
    // Of the flags only the one that we know is passed on (§3.2.2.5).
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  };
  return isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
}

/** The headers of a call that goes out within this trace. */
export function traceHeaders(within: Context = context.active()): Record<string, string> {
  const span = trace.getSpanContext(within);
  if (!span || !isSpanContextValid(span)) return {};
  const state = span.traceState?.serialize();
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`,
    ...(state && { tracestate: state }),
  };
}
