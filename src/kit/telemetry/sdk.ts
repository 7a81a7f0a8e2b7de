import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { instanceId, serviceName } from '../log/instance.ts';
import type { CollectorWatch } from './collector.ts';
import type { TelemetrySettings } from './settings.ts';

// Optional packages: only this file imports them, and only attach.ts imports this file, when they are wanted.

/** Of each signal: one export may be on its way while the next begins. More would fill the memory when none is answered. */
const concurrencyLimit = 2;

/**
 * Makes OpenTelemetry's SDK the one that the API works with.
 *
 * @returns what sends all that is left, and ends it
 */
export function attachSdk(settings: TelemetrySettings, watch: CollectorWatch): () => Promise<unknown> {
  const resource = ownResource();
  const parts: { shutdown(): Promise<void> }[] = [];
  if (settings.traces) {
    const provider = tracing(settings, watch, resource);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    trace.setGlobalTracerProvider(provider);
    parts.push(provider);
  }
  if (settings.metrics) {
    const provider = metering(settings, watch, resource);
    metrics.setGlobalMeterProvider(provider);
    parts.push(provider);
  }
  return () => Promise.allSettled(parts.map((part) => part.shutdown()));
}

function tracing(settings: TelemetrySettings, watch: CollectorWatch, resource: Resource): TracerProvider {
  const exporter = watch.watch('traces', new OTLPTraceExporter({ concurrencyLimit }));
  return new TracerProvider({
    resource,
    sampler: samplerFor(settings),
    spanLimits: { attributeValueLengthLimit: 250 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        // Spans that come while 2,048 wait are dropped.
        ...(settings.spanDelayMs !== undefined && { scheduledDelayMillis: settings.spanDelayMs }),
      }),
    ],
  });
}

function metering(settings: TelemetrySettings, watch: CollectorWatch, resource: Resource): MeterProvider {
  const exporter = watch.watch('metrics', new OTLPMetricExporter({ concurrencyLimit }));
  const exportIntervalMillis = settings.metricIntervalMs ?? 60_000;
  const exportTimeoutMillis = Math.min(exportIntervalMillis, 10_000);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis });
  return new MeterProvider({ resource, readers: [reader] });
}

function samplerFor({ sampler, ratio }: TelemetrySettings): Sampler {
  const root = sampler.endsWith('always_off')
    ? new AlwaysOffSampler()
    : sampler.endsWith('traceidratio')
      ? new TraceIdRatioBasedSampler(ratio)
      : new AlwaysOnSampler();
  return sampler.startsWith('parentbased') ? new ParentBasedSampler({ root }) : root;
}

/** No detector of processes or hosts: a command line may contain a secret (R20). */
function ownResource(): Resource {
  return defaultResource()
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': serviceName(), 'service.instance.id': instanceId() }));
}
