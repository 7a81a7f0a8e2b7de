import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  context,
  metrics,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { hasRedis, startRedis } from './helpers/redis-server.ts';

/** Hands the metrics over when asked. */
class AskedReader extends MetricReader {
  protected override async onForceFlush() {}
  protected override async onShutdown() {}
}

interface Recorded {
  name: string;
  parent: string | undefined;
  attributes: Record<string, unknown>;
  failed: boolean;
}

const spans: Recorded[] = [];
const names = new WeakMap<Span, string>();
const storage = new AsyncLocalStorage<Context>();
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new AskedReader();
const all = () => [...spans].map(({ name }) => name);

beforeAll(() => {
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  trace.setGlobalTracerProvider({ getTracer: recordingTracer });
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...args) => storage.run(active, () => work.apply(self, args)),
    bind: (_, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
});

afterAll(() => {
  metrics.disable();
  trace.disable();
  context.disable();
});

/** Keeps what ended, with the name of the span it stands in. */
function recordingTracer(): Tracer {
  const startSpan = (name: string, options: SpanOptions = {}, within = context.active()): Span => {
    const above = trace.getSpan(within);
    const recorded: Recorded = { name, parent: above && names.get(above), attributes: { ...options.attributes }, failed: false };
    const span = trace.wrapSpanContext({ traceId: '0'.repeat(31) + 1, spanId: '0'.repeat(15) + 1, traceFlags: 1 });
    span.setAttribute = (key, value) => {
      recorded.attributes[key] = value;
      return span;
    };
    span.setStatus = ({ code }) => {
      recorded.failed = code === 2;
      return span;
    };
    span.end = () => void spans.push(recorded);
    names.set(span, name);
    return span;
  };
  const startActiveSpan = (name: string, ...rest: unknown[]) => {
    const span = startSpan(name);
    const work = rest.at(-1) as (span: Span) => unknown;
    return context.with(trace.setSpan(context.active(), span), () => work(span));
  };
  return { startSpan, startActiveSpan: startActiveSpan as Tracer['startActiveSpan'] };
}

/** How often each combination of attributes was counted so far. */
async function points(metric: string): Promise<{ attributes: Record<string, unknown>; value: unknown }[]> {
  const { resourceMetrics } = await reader.collect();
  const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  return (found.find(({ descriptor }) => descriptor.name === metric)?.dataPoints ?? []).map(
    ({ attributes, value }) => ({ attributes, value }),
  );
}
