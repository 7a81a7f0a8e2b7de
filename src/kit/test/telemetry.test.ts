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
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBrowser, markOn } from './helpers/browser.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { startProxied } from './helpers/proxied.ts';
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

const names = new WeakMap<Span, string>();
const storage = new AsyncLocalStorage<Context>();
let spans: Recorded[];
let reader: AskedReader;

// What an SDK does when it is attached, before the app starts.
beforeEach(() => {
  spans = [];
  reader = new AskedReader();
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

afterEach(() => {
  metrics.disable();
  trace.disable();
  context.disable();
});

/** Keeps what ended, with the name of the span it stands in. */
function recordingTracer(): Tracer {
  const startSpan = (name: string, options: SpanOptions = {}, within = context.active()): Span => {
    const above = trace.getSpan(within);
    const recorded: Recorded = {
      name,
      parent: above && names.get(above),
      attributes: { ...options.attributes },
      failed: false,
    };
    const span = trace.wrapSpanContext({
      traceId: '0'.repeat(31) + 1,
      spanId: '0'.repeat(15) + 1,
      traceFlags: 1,
    });
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

interface Point {
  attributes: Record<string, unknown>;
  value: unknown;
}

async function metricsSoFar(): Promise<Record<string, Point[]>> {
  const { resourceMetrics, errors } = await reader.collect();
  expect(errors).toEqual([]);
  const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  return Object.fromEntries(
    found.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => ({ attributes, value })),
    ]),
  );
}

test('sign-ins, refreshes and sign-outs are counted by how they ended', () =>
  withPair({}, async ({ op, app, browser, open }) => {
    op.next({ token: { json: { expires_in: 1 } } });
    const profile = await open('/profile');
    expect((await open('/api-data')).status).toBe(200);
    await browser.submit(profile);

    op.next({ idToken: { nonce: 'foreign' } });
    expect((await open('/profile')).status).toBe(502);
    op.honest();
    await open('/profile');
    const elsewhere = createBrowser();
    const page = await elsewhere.get(app.url('/profile'));
    const ended = await elsewhere.post(app.url('/sessions/end-others'), markOn(page), {}, page.url);
    expect(ended.status, ended.body).toBe(200);

    const counted = await metricsSoFar();
    expect(counted['app.sign_ins']).toEqual([
      { attributes: { result: 'succeeded' }, value: 3 },
      { attributes: { result: 'failed', 'error.type': 'nonce_mismatch' }, value: 1 },
    ]);
    expect(counted['app.token_refreshes']).toEqual([{ attributes: { result: 'succeeded' }, value: 1 }]);
    expect(counted['app.sign_outs']).toEqual([
      { attributes: { cause: 'signed-out' }, value: 1 },
      { attributes: { cause: 'other-device' }, value: 1 },
    ]);
  }));

test('a refresh that the provider refuses is counted, and so is the session that ends with it', () =>
  withPair({}, async ({ op, open }) => {
    op.next({ token: { json: { expires_in: 1 } } });
    await open('/profile');
    op.nextRefresh({ token: { status: 400, json: { error: 'invalid_grant' } } });
    await open('/api-data');
    const counted = await metricsSoFar();
    expect(counted['app.token_refreshes']).toEqual([
      { attributes: { result: 'failed', 'error.type': 'invalid_grant' }, value: 1 },
    ]);
    expect(counted['app.sign_outs']).toEqual([{ attributes: { cause: 'account' }, value: 1 }]);
  }));

test('each call to the provider is timed, under the names of the semantic conventions', () =>
  withPair({}, async ({ op, open }) => {
    const startedAt = performance.now();
    await open('/profile');
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    const { hostname, port } = new URL(op.origin);
    const counted = await metricsSoFar();
    const at = (path: string) =>
      counted['http.client.request.duration']?.find(({ attributes }) => attributes['url.template'] === path);
    expect(at('/token')?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'server.address': hostname,
      'server.port': Number(port),
      'url.template': '/token',
    });
    expect(at('/token')?.value).toMatchObject({
      count: 1,
      buckets: { boundaries: expect.arrayContaining([0.005, 10]) },
    });
    const seconds = (at('/token')?.value as { sum: number } | undefined)?.sum;
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(elapsedSeconds);
    expect(at('/userinfo')?.attributes['http.request.method']).toBe('GET');
    expect(at('/.well-known/openid-configuration')?.value).toMatchObject({ count: 1 });
  }));

test('a call that fails says why', () =>
  withPair({}, async ({ op, open }) => {
    op.next({ token: { status: 400, json: { error: 'invalid_client' } } });
    await open('/profile');
    op.next({ token: { status: 503 } });
    await open('/profile');
    op.next({ token: { manner: 'hang-up' } });
    await open('/profile');
    const counted = await metricsSoFar();
    const errors = counted['http.client.request.duration']
      ?.filter(({ attributes }) => attributes['url.template'] === '/token')
      .map(({ attributes }) => attributes['error.type']);
    expect(errors).toEqual(['400', '503', 'ECONNRESET']);
  }));

test("a trace shows sign-in, refresh and revocation with the provider's calls below them", () =>
  withPair({ op: { par: true } }, async ({ op, browser, open }) => {
    op.next({ token: { json: { expires_in: 1 } } });
    const page = await open('/profile');
    await open('/api-data');
    await browser.submit(page);
    const tree = spans.map(({ name, parent }) => `${parent ?? ''} > ${name}`);
    expect(tree).toEqual(
      expect.arrayContaining([
        'GET > sign_in.start',
        'sign_in.start > POST /par',
        'GET > sign_in.finish',
        'sign_in.finish > POST /token',
        'sign_in.finish > GET /userinfo',
        'token.refresh > POST /token',
        'token.revoke > POST /revoke',
      ]),
    );
    expect(spans.filter(({ failed }) => failed)).toEqual([]);
  }));

test('the span of a sign-in that fails holds the reason, and nothing that the provider said', () =>
  withPair({}, async ({ op, open }) => {
    op.next({ token: { status: 400, json: { error: 'invalid_grant', error_description: 'provider-says' } } });
    await open('/profile');
    const finish = spans.find(({ name }) => name === 'sign_in.finish');
    expect(finish).toMatchObject({ failed: true, attributes: { 'error.type': 'token_refused' } });
    expect(spans.find(({ name }) => name === 'POST /token')?.failed).toBe(true);
    expect(JSON.stringify(spans)).not.toContain('provider-says');
  }));

test('neither metrics nor traces hold a user, a token, a code or a secret', () =>
  withPair({ op: { par: true } }, async ({ op, browser, open }) => {
    op.next({ token: { json: { expires_in: 1 } } });
    const page = await open('/profile');
    await open('/api-data');
    await browser.submit(page);
    const told = JSON.stringify([spans, await metricsSoFar()]);
    expect(told).toContain('/revoke');
    expect(op.secrets.length).toBeGreaterThan(4);
    for (const secret of [...op.secrets, op.clientSecret, 'user-1', 'ada@example.com', 'Ada Example', '?']) {
      expect(told.includes(secret), secret).toBe(false);
    }
  }));

test('whether the provider answers can be read at any time', () =>
  withPair({}, async ({ op, open }) => {
    const isUp = async () => (await metricsSoFar())['app.provider.up'];
    const up = { 'app.provider': 'default' };
    expect(await isUp()).toEqual([{ attributes: up, value: 1 }]);
    op.next({ token: { manner: 'hang-up' } });
    await open('/profile');
    expect(await isUp()).toEqual([{ attributes: up, value: 0 }]);
    op.honest();
    await open('/profile');
    expect(await isUp()).toEqual([{ attributes: up, value: 1 }]);
  }));

test('open sessions are counted as they are', () =>
  withPair({}, async ({ open, browser }) => {
    const count = async () => (await metricsSoFar())['app.sessions.open']?.map(({ value }) => value);
    expect(await count()).toEqual([0]);
    const page = await open('/profile');
    expect(await count()).toEqual([1]);
    await browser.submit(page);
    expect(await count()).toEqual([0]);
  }));

test("an API behind a proxy gets this app's trace, not that of the script, and no baggage", async () => {
  const { api, caller } = await startProxied({ as: { requestHeaders: ['traceparent', 'tracestate'] } });
  const headers = {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    ...{ tracestate: 'of=the-script', baggage: 'user=alice' },
  };
  await (await caller()).send({ headers });
  const sent = api.calls.at(-1)?.req.headers;
  expect(sent?.traceparent).toBe(`00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01`);
  expect(sent).not.toHaveProperty('tracestate');
  expect(sent).not.toHaveProperty('baggage');
  expect(spans).toContainEqual(expect.objectContaining({ name: 'GET notes', parent: 'GET', failed: false }));
});

test.skipIf(!hasRedis)('each request whose session cannot be read is counted', async () => {
  const redis = await startRedis();
  try {
    await withPair({ env: { REDIS_URL: redis.url } }, async ({ open }) => {
      await open('/profile');
      expect((await metricsSoFar())['app.store.errors']).toBeUndefined();
      await redis.kill();
      for (const path of ['/profile', '/']) await open(path);
      expect((await metricsSoFar())['app.store.errors']).toEqual([
        { attributes: { 'error.type': 'StoreError' }, value: 2 },
      ]);
    });
  } finally {
    await redis.stop();
  }
});
