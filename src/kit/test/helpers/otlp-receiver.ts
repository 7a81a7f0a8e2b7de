import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Attributes = Record<string, string | number | boolean>;

export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  kind: number;
  attributes: Attributes;
  failed: boolean;
}

/** One series of a metric, as it was sent last. */
export interface ReceivedSeries {
  name: string;
  unit: string;
  kind: 'sum' | 'histogram' | 'gauge';
  attributes: Attributes;
  /** Of a histogram, how many. */
  value: number;
}

interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export type OtlpReceiver = Awaited<ReturnType<typeof startOtlpReceiver>>;

/** A collector that speaks OTLP over HTTP, as JSON, and keeps all that it gets. */
export async function startOtlpReceiver(port = 0) {
  const received: Received[] = [];
  let answer: (res: ServerResponse) => void = (res) => void res.end('{}');
  const server = createServer(async (req, res) => {
    received.push({ path: req.url ?? '', headers: req.headers, body: await text(req) });
    answer(res);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const sent = (path: string) =>
    received.filter((one) => one.path === path).map(({ body }) => JSON.parse(body));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What came, one request after the other. */
    received,
    /** What it answers from now on; a function that does nothing lets the app wait. */
    answers(next: typeof answer) {
      answer = next;
    },
    spans: (): ReceivedSpan[] => sent('/v1/traces').flatMap(spansIn),
    series: (): ReceivedSeries[] => [
      ...new Map(
        sent('/v1/metrics')
          .flatMap(seriesIn)
          .map((one) => [`${one.name} ${JSON.stringify(one.attributes)}`, one]),
      ).values(),
    ],
    resources: (): Attributes[] =>
      ['/v1/traces', '/v1/metrics'].flatMap(sent).flatMap((body) => {
        const all = (body.resourceSpans ?? body.resourceMetrics) as { resource: Keyed }[];
        return all.map(({ resource }) => attributesOf(resource));
      }),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Keyed {
  attributes?: { key: string; value: Record<string, string | number | boolean> }[];
}

function attributesOf({ attributes = [] }: Keyed): Attributes {
  const entries = attributes.map(({ key, value }) => {
    const [[type, given] = ['', '']] = Object.entries(value);
    return [key, type === 'intValue' ? Number(given) : given];
  });
  return Object.fromEntries(entries.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}

interface Scoped<Name extends string, T> {
  [name: string]: { [scope: string]: Record<Name, T[]>[] }[];
}

interface SpanJson extends Keyed {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  status?: { code?: number };
}

function spansIn({ resourceSpans = [] }: Scoped<'spans', SpanJson>): ReceivedSpan[] {
  return resourceSpans
    .flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans }) => spans))
    .map(({ name, traceId, spanId, parentSpanId, kind, status, ...span }) => ({
      ...{ name, traceId, spanId, kind },
      parentSpanId: parentSpanId || undefined,
      attributes: attributesOf(span),
      failed: status?.code === 2,
    }));
}

interface PointJson extends Keyed {
  asInt?: string | number;
  asDouble?: number;
  count?: string | number;
}

type MetricJson = { name: string; unit?: string } & Partial<
  Record<ReceivedSeries['kind'], { dataPoints: PointJson[] }>
>;

function seriesIn({ resourceMetrics = [] }: Scoped<'metrics', MetricJson>): ReceivedSeries[] {
  return resourceMetrics
    .flatMap(({ scopeMetrics = [] }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .flatMap(({ name, unit = '', ...metric }) =>
      (['sum', 'histogram', 'gauge'] as const).flatMap((kind) =>
        (metric[kind]?.dataPoints ?? []).map((point) => ({
          ...{ name, unit, kind },
          attributes: attributesOf(point),
          value: Number(point.count ?? point.asInt ?? point.asDouble ?? 0),
        })),
      ),
    );
}
