/** What is said about the settings, once there is a log. */
export interface Note {
  message: string;
  hint: string;
}

export type SamplerName = (typeof samplers)[number];

/** What OpenTelemetry's environment variables come to. */
export interface TelemetrySettings {
  traces: boolean;
  metrics: boolean;
  /** The collector's origin, for the log: an address may contain a password. */
  collector: string;
  sampler: SamplerName;
  /** Of traces, 0 to 1. */
  ratio: number;
  metricIntervalMs: number | undefined;
  spanDelayMs: number | undefined;
  notes: Note[];
}

const samplers = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

const general = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const endpoints = {
  traces: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  metrics: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
} as const;

/**
 * Reads OpenTelemetry's own variables. Headers, timeouts, compression and certificates of the collector are read by the
 * exporters themselves. A mistake is noted and stops nothing: no app is down because its metrics are.
 *
 * @param asked whether telemetry is wanted without an address too (`npm run start:otel`)
 * @returns undefined where nobody wants any
 */
export function readTelemetrySettings(env: NodeJS.ProcessEnv, asked: boolean): TelemetrySettings | undefined {
  const value = (name: string) => env[name]?.trim() || undefined;
  if (value('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined;
  const notes: Note[] = [];
  const wants = (signal: keyof typeof endpoints, chooser: string): boolean => {
    const chosen = value(chooser) ?? 'otlp';
    if (chosen === 'none' || !(asked || value(general) || value(endpoints[signal]))) return false;
    if (chosen !== 'otlp') notes.push(unknownValue(chooser, chosen, 'otlp and none'));
    const name = value(endpoints[signal]) ? endpoints[signal] : general;
    const address = value(name);
    if (address === undefined || isAddress(address)) return chosen === 'otlp';
    notes.push({
      message: `${name} is no http or https address, so no ${signal} are sent`,
      hint: 'give the collector an address such as http://collector:4318',
    });
    return false;
  };
  const traces = wants('traces', 'OTEL_TRACES_EXPORTER');
  const metrics = wants('metrics', 'OTEL_METRICS_EXPORTER');
  const protocol = value('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/json';
  if ((traces || metrics) && !/^http\/(json|protobuf)$/.test(protocol))
    notes.push({
      message:
        'OTEL_EXPORTER_OTLP_PROTOCOL asks for a protocol that this app does not speak; it sends http/json',
      hint: 'point the endpoint at the port of the collector for OTLP over HTTP, usually 4318 (4317 is gRPC)',
    });
  if (!traces && !metrics && notes.length === 0) return undefined;
  const address = value(general) ?? value(endpoints.traces) ?? value(endpoints.metrics);
  return {
    traces,
    metrics,
    collector:
      address === undefined || !isAddress(address) ? 'http://localhost:4318' : new URL(address).origin,
    ...samplerIn(value('OTEL_TRACES_SAMPLER'), value('OTEL_TRACES_SAMPLER_ARG'), notes),
    metricIntervalMs: milliseconds('OTEL_METRIC_EXPORT_INTERVAL'),
    spanDelayMs: milliseconds('OTEL_BSP_SCHEDULE_DELAY'),
    notes,
  };

  function milliseconds(name: string): number | undefined {
    const given = value(name);
    if (given === undefined) return undefined;
    const number = Number(given);
    // What a timer of Node takes; a longer one would fire at once.
    if (Number.isInteger(number) && number >= 1 && number < 2 ** 31) return number;
    notes.push(unknownValue(name, given, 'whole milliseconds from 1'));
    return undefined;
  }
}

function samplerIn(
  name: string | undefined,
  argument: string | undefined,
  notes: Note[],
): { sampler: SamplerName; ratio: number } {
  const sampler = samplers.find((each) => each === name);
  if (name !== undefined && !sampler)
    notes.push(unknownValue('OTEL_TRACES_SAMPLER', name, samplers.join(', ')));
  const given = argument === undefined ? 1 : Number(argument);
  const isRatio = given >= 0 && given <= 1;
  if (!isRatio) notes.push(unknownValue('OTEL_TRACES_SAMPLER_ARG', argument ?? '', 'a number from 0 to 1'));
  return { sampler: sampler ?? samplers[0], ratio: isRatio ? given : 1 };
}

function unknownValue(name: string, value: string, known: string): Note {
  return {
    message: `${name} has a value that this app does not know, so the default applies`,
    hint: `${name} takes ${known}, not "${value.slice(0, 40)}"`,
  };
}

function isAddress(text: string): boolean {
  const { protocol } = URL.parse(text) ?? {};
  return protocol === 'http:' || protocol === 'https:';
}
