import { createNoopMeter, metrics, trace } from '@opentelemetry/api';

// Whether an SDK is attached. Without one the app gets none of the hooks, and pays for none.

/** The name of this app's instruments and spans. */
export const scope = 'web-app';

export function isAttached(): boolean {
  return hasMetrics() || hasTraces();
}

export function hasMetrics(): boolean {
  return metrics.getMeter(scope) !== createNoopMeter();
}

/** The API hands out a stand-in until there is a provider to delegate to. */
export function hasTraces(): boolean {
  const provider = trace.getTracerProvider() as { getDelegateTracer?: (name: string) => unknown };
  return provider.getDelegateTracer ? provider.getDelegateTracer(scope) !== undefined : true;
}

/** What each log line bears besides: the trace and the span that it was written in. Undefined where nothing is traced. */
export function traceFields(): (() => object) | undefined {
  if (!hasTraces()) return undefined;
  return () => {
    const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
    return traceId === undefined ? {} : { trace_id: traceId, span_id: spanId };
  };
}
