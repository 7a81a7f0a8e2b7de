import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../folders.ts';
import type { LogLine } from './helpers/app.ts';
import { markOn } from './helpers/browser.ts';
import { type OtlpApp, sessionSecret, withOtlpApp } from './helpers/otlp-app.ts';
import type { ReceivedSeries, ReceivedSpan } from './helpers/otlp-receiver.ts';
import { describeWithRedis, type RedisServer, startRedis, until } from './helpers/redis-server.ts';

// What a collector gets of a running app: an OTLP receiver of the test's own stands in for it.

const redisPassword = 'a-password-of-redis-0123456789';
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

/** Signs in, lets a token be refreshed for an API, signs out; fails a sign-in and a refresh. */
async function wholeLife({ op, browser, open, server }: OtlpApp): Promise<void> {
  op.next({ token: { json: { expires_in: 1 } } });
  expect((await open('/profile?from=a-query-of-somebody')).status).toBe(200);
  expect(
    (await open('/api-data', { traceparent, tracestate: 'vendor=opaque', baggage: 'user=secret-baggage' }))
      .status,
  ).toBe(200);
  await browser.post(
    `${server.origin}/auth/callback?code=a-code-that-somebody-stole&state=unknown-state-0123`,
  );
  const page = await open('/profile');
  expect((await browser.submit(page)).status).toBe(200);
  op.next({
    token: { status: 400, json: { error: 'invalid_grant', error_description: 'the-provider-says-this' } },
  });
  expect((await open('/profile')).status).toBeGreaterThanOrEqual(400);
  op.next({ token: { json: { expires_in: 1 } } });
  await open('/profile');
  op.nextRefresh({ token: { status: 400, json: { error: 'invalid_grant' } } });
  await open('/api-data');
  browser.clearCookies();
  op.honest();
}

/** Of one run of the app, after it has stopped: everything was sent by then. */
interface Ran extends OtlpApp {
  redis: RedisServer;
  /** What it had sent when the connection to Redis was lost. */
  before: ReceivedSeries[];
  /** Names in keys of Redis while somebody was signed in. */
  names: string[];
  mark: string;
}

describeWithRedis('a collector', () => {
  let ran: Ran;
  beforeAll(async () => {
    const redis = await startRedis({ password: redisPassword });
    const env = {
      REDIS_URL: redis.url,
      TRUST_PROXY_HOPS: '1',
      OTEL_METRIC_EXPORT_INTERVAL: '300',
      OTEL_SERVICE_NAME: 'my-shop',
      OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=shop-7,deployment.environment.name=test',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=key-of-the-collector',
    };
    await withOtlpApp(env, async (at) => {
      await wholeLife(at);
      const mark = markOn(await at.open('/profile'))['kit-form'];
      const keys = (await redis.run('KEYS', '*')) as string[];
      for (const path of ['/site.css', '/no/such/address', '/healthz']) await at.open(path);
      await until(() => {
        const probed = at.receiver.series().some((one) => one.attributes['http.route'] === '/healthz');
        return probed && valueIn(at.receiver.series(), 'app.sessions.open', {}) === 1;
      });
      const before = at.receiver.series();
      await redis.kill();
      expect((await at.open('/profile')).status).toBe(503);
      await until(() => valueIn(at.receiver.series(), 'app.store.up', {}) === 0);
      await redis.restart();
      await at.server.logs('store.found');
      await at.server.stop();
      ran = { ...at, redis, before, names: keys.map((key) => /\{(.*)\}/.exec(key)?.[1] ?? ''), mark };
    }).finally(() => redis.stop());
  }, 60_000);

  test('gets no secret of a sign-in, a refresh and a sign-out, not ten characters of one', () => {
    const { receiver, op, browser, names, mark } = ran;
    const all = receiver.received.map(({ body, headers }) => JSON.stringify(headers) + body).join('\n');
    expect(all).toContain('/token');
    const inAddresses = [...browser.visited, ...op.received].flatMap((line) => {
      const query = line.split(/[? ]/)[2] ?? '';
      return [...new URLSearchParams(query)]
        .filter(([name]) => /^(code|state|nonce|code_challenge|id_token_hint|from)$/.test(name))
        .map(([, value]) => value);
    });
    const secrets = {
      'of the provider': op.secrets,
      'of an address': inAddresses,
      cookie: browser.setCookies.map(({ line }) => /=([^;]*)/.exec(line)?.[1] ?? ''),
      'key of Redis': names,
      mark: [mark],
      setting: [op.clientSecret, sessionSecret, redisPassword],
      'said by the provider': ['the-provider-says-this'],
      'of a header': ['Mozilla/5.0 (X11; Linux', 'user=secret-baggage'],
      'about the user': ['Ada Example', 'ada@example.com'],
    };
    const pieces = piecesOf(all);
    for (const [what, values] of Object.entries(secrets)) {
      const long = values.filter(({ length }) => length >= 10);
      expect(long.length, what).toBeGreaterThan(0);
      for (const value of long)
        expect(
          [...piecesOf(value)].filter((piece) => pieces.has(piece)),
          what,
        ).toEqual([]);
    }
    for (const word of ['user-1', '?', '/private/path']) expect(all.includes(word), word).toBe(false);
  });

  test('gets a trace from the request through Redis to the provider, and the API gets it too', () => {
    const { receiver, api, op, server } = ran;
    const spans = receiver.spans();
    const tree = new Set(spans.map((span) => lineOf(span, spans)));
    expect([...tree]).toEqual(
      expect.arrayContaining([
        'GET /profile > GETEX',
        'GET /profile > sign_in.start',
        'GET /auth/callback > sign_in.finish',
        'sign_in.finish > POST /token',
        'sign_in.finish > GET /userinfo',
        'GET /api-data > GETEX',
        'GET /api-data > token.refresh',
        'token.refresh > POST /token',
        'GET /api-data > GET data',
        'POST /auth/logout > GETDEL',
      ]),
    );
    const request = spans.find(({ name }) => name === 'GET /api-data');
    expect(request).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7', kind: 2, failed: false });
    const call = spans.find(({ name }) => name === 'GET data');
    expect(api.calls.at(-1)?.headers).toMatchObject({
      traceparent: `00-${traceId}-${call?.spanId}-01`,
      tracestate: 'vendor=opaque',
    });
    expect(api.calls.at(-1)?.headers.baggage).toBeUndefined();
    expect(op.received.length).toBeGreaterThan(0);
    expect(op.received.filter((line) => /"(traceparent|tracestate|baggage)"/i.test(line))).toEqual([]);
    const failed = spans.filter((span) => span.failed && span.name === 'sign_in.finish');
    expect(failed.map(({ attributes }) => attributes)).toEqual([{ 'error.type': 'token_refused' }]);
    // Each line that was written for a request names its trace, the last one of it too.
    const traces = new Set(spans.map((span) => span.traceId));
    const lines = server.lines.filter(({ request_id }) => request_id !== undefined);
    expect(lines.filter(({ msg }) => msg === 'request').length).toBeGreaterThan(5);
    const recorded = ({ path }: LogLine) => path !== '/site.css' && path !== '/healthz';
    expect(lines.filter((line) => recorded(line) && !traces.has(String(line.trace_id)))).toEqual([]);
    expect(lines.filter(({ trace_id }) => !/^[\da-f]{32}$/.test(String(trace_id)))).toEqual([]);
    const requests = spans.filter(({ kind }) => kind === 2);
    expect(requests.filter(({ name }) => /healthz|^GET$/.test(name))).toHaveLength(1);
    expect(lines.find(({ path }) => path === '/api-data')).toMatchObject({
      trace_id: traceId,
      span_id: request?.spanId,
    });
  });

  test('gets the metrics of requests by route, of Redis by command, of calls, and of what there is', () => {
    const { receiver, server, op, api, redis, before } = ran;
    const request = { 'http.request.method': 'GET', 'url.scheme': 'http' };
    const value = (name: string, attributes: object) => valueIn(before, name, attributes);
    expect(
      value('http.server.request.duration', {
        ...request,
        'http.response.status_code': 200,
        'http.route': '/profile',
      }),
    ).toBeGreaterThan(1);
    expect(
      value('http.server.request.duration', {
        ...request,
        'http.response.status_code': 200,
        'http.route': '/healthz',
      }),
    ).toBe(1);
    expect(value('http.server.request.duration', { ...request, 'http.response.status_code': 404 })).toBe(1);
    const { port } = new URL(redis.url);
    const command = {
      'db.system.name': 'redis',
      'server.address': 'localhost',
      'server.port': Number(port),
    };
    expect(
      value('db.client.operation.duration', { ...command, 'db.operation.name': 'GETEX' }),
    ).toBeGreaterThan(3);
    const provider = { 'http.request.method': 'POST', ...serverOf(op.origin), 'url.template': '/token' };
    expect(
      value('http.client.request.duration', { ...provider, 'http.response.status_code': 200 }),
    ).toBeGreaterThan(1);
    const call = { 'http.request.method': 'GET', ...serverOf(api.url), 'app.api': 'data' };
    expect(value('http.client.request.duration', { ...call, 'http.response.status_code': 200 })).toBe(1);
    expect(value('app.store.up', {})).toBe(1);
    expect(value('app.provider.up', { 'app.provider': 'default' })).toBe(1);
    for (const name of ['p50', 'p99', 'max']) {
      expect(value(`nodejs.eventloop.delay.${name}`, {})).toBeGreaterThanOrEqual(0);
      expect(value(`nodejs.eventloop.delay.${name}`, {})).toBeLessThan(5);
    }
    expect(value('nodejs.eventloop.utilization', {})).toBeLessThanOrEqual(1);
    const [resource] = receiver.resources();
    expect(resource).toMatchObject({
      'service.name': 'my-shop',
      'service.instance.id': 'shop-7',
      'deployment.environment.name': 'test',
    });
    expect(receiver.received[0]?.headers['x-key']).toBe('key-of-the-collector');
    expect(JSON.stringify(server.lines)).not.toContain('key-of-the');
  });

  test('finds no trace on lines about the store, whichever request noticed', () => {
    const lines = ran.server.lines.filter(({ event }) => /^store\./.test(String(event)));
    expect(lines.map(({ event, trace_id }) => [event, trace_id])).toEqual([
      ['store.lost', undefined],
      ['store.found', undefined],
    ]);
  });

  test('learns that the store is away', () => {
    const series = ran.receiver.series();
    expect(valueIn(ran.before, 'app.store.up', {})).toBe(1);
    expect(valueIn(series, 'app.store.up', {})).toBe(0);
    expect(valueIn(series, 'app.store.errors', { 'error.type': 'StoreError' })).toBe(1);
    expect(
      valueIn(series, 'http.server.request.duration', {
        ...{ 'http.request.method': 'GET', 'url.scheme': 'http', 'http.route': '/profile' },
        ...{ 'http.response.status_code': 503, 'error.type': '503' },
      }),
    ).toBe(1);
  });

  test.skipIf(!existsSync(join(projectRoot, 'deploy/alerts.yaml')))(
    'gets each metric and each attribute that the dashboard and the alert rules name',
    () => {
      const labels = labelsByName(ran.receiver.series());
      const queries = [...dashboardQueries(), ...alertQueries()];
      expect(queries.length).toBeGreaterThan(20);
      for (const { query, shown } of queries) {
        const { metrics, grouped } = namesIn(query);
        expect(metrics.length, query).toBeGreaterThan(0);
        for (const { name, filters } of metrics) {
          expect([...labels.keys()], query).toContain(name);
          expect([...(labels.get(name) ?? [])], query).toEqual(expect.arrayContaining(filters));
        }
        const all = metrics.flatMap(({ name }) => [...(labels.get(name) ?? [])]);
        expect(all, query).toEqual(expect.arrayContaining(grouped));
        expect([...grouped, 'le'], query).toEqual(expect.arrayContaining(shown));
      }
    },
  );
});

describe('a trace that comes with a request', () => {
  test('counts only from a trusted hop', () =>
    withOtlpApp({ TRUST_PROXY_HOPS: undefined }, async ({ receiver, server, open }) => {
      await open('/', { traceparent });
      await server.stop();
      const spans = receiver.spans().filter(({ name }) => name === 'GET /');
      expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([undefined]);
      expect(spans[0]?.traceId).not.toBe(traceId);
    }));
});

function valueIn(series: ReceivedSeries[], name: string, attributes: object): number | undefined {
  const wanted = JSON.stringify(Object.entries(attributes).sort());
  return series.find(
    (one) => one.name === name && JSON.stringify(Object.entries(one.attributes).sort()) === wanted,
  )?.value;
}

function serverOf(origin: string) {
  const { hostname, port } = new URL(origin);
  return { 'server.address': hostname, 'server.port': Number(port) };
}

function lineOf({ name, parentSpanId }: ReceivedSpan, spans: readonly ReceivedSpan[]): string {
  return `${spans.find(({ spanId }) => spanId === parentSpanId)?.name ?? ''} > ${name}`;
}

/** Each run of ten characters. */
function piecesOf(text: string): Set<string> {
  const pieces = new Set<string>();
  for (let at = 0; at + 10 <= text.length; at++) pieces.add(text.slice(at, at + 10));
  return pieces;
}

/** The names that Prometheus gives to what comes by OTLP, and the labels of each. */
function labelsByName(series: ReceivedSeries[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const units: Record<string, string> = { s: '_seconds', '1': '_ratio' };
  const suffixes = { sum: ['_total'], histogram: ['_bucket', '_sum', '_count'], gauge: [''] };
  for (const { name, unit, kind, attributes } of series)
    for (const suffix of suffixes[kind]) {
      const full = name.replaceAll('.', '_') + (units[unit] ?? '') + suffix;
      const labels = found.get(full) ?? new Set(['job', 'instance', 'le']);
      for (const attribute of Object.keys(attributes)) labels.add(attribute.replaceAll('.', '_'));
      found.set(full, labels);
    }
  return found;
}

interface Query {
  query: string;
  /** The labels in its legend. */
  shown: string[];
}

function dashboardQueries(): Query[] {
  const { panels } = JSON.parse(readFileSync(join(projectRoot, 'deploy/grafana-dashboard.json'), 'utf8'));
  return (panels as { targets: { expr: string; legendFormat: string }[] }[])
    .flatMap(({ targets }) => targets)
    .map(({ expr, legendFormat }) => ({
      query: expr,
      shown: [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
    }));
}

function alertQueries(): Query[] {
  const { groups } = parse(readFileSync(join(projectRoot, 'deploy/alerts.yaml'), 'utf8'));
  const rules = (groups as { rules: { alert: string; expr: string }[] }[]).flatMap(({ rules }) => rules);
  expect(rules.map(({ alert }) => alert)).toEqual([
    ...['SignInsFail', 'ProviderLost', 'StoreLost', 'ServerErrors', 'EventLoopBlocked'],
  ]);
  return rules.map(({ expr }) => ({ query: expr, shown: [] }));
}

function namesIn(query: string) {
  const listed = (text: string) => text.split(',').map((label) => label.trim());
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => listed(labels));
  const rest = query.replace(/\bby \([^)]*\)/g, '');
  const metrics = [...rest.matchAll(/\b((?:app|http|db|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
  return {
    grouped,
    metrics: metrics.map(([, name = '', filters = '']) => ({
      name,
      filters: [...filters.matchAll(/(\w+)(?:=|!=|=~|!~)"/g)].map(([, label = '']) => label),
    })),
  };
}
