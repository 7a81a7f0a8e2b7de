import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readTelemetrySettings } from '../telemetry/settings.ts';
import { withOtlpApp } from './helpers/otlp-app.ts';
import { until } from './helpers/redis-server.ts';
import { type ServerProcess, startServer } from './helpers/server-process.ts';

const require = createRequire(import.meta.url);

// A collector that is away, that hangs, or that is not there at all; and people who make up addresses.

const away = 'the OpenTelemetry collector does not accept what this app sends; the app continues without it';
const back = 'the OpenTelemetry collector is back';

describe('a collector', () => {
  test('that hangs slows no page and no stop, and is said once, as is its return', () =>
    withOtlpApp(
      { OTEL_EXPORTER_OTLP_TIMEOUT: '300', OTEL_METRIC_EXPORT_INTERVAL: '300' },
      async ({ receiver, server, open }) => {
        receiver.answers(() => {});
        await open('/');
        await server.logs(away);
        const slowest = Math.max(...(await each(20, () => timeOf(() => open('/')))));
        expect(slowest).toBeLessThan(1_000);
        await until(() => receiver.received.length > 6);
        expect(server.lines.filter(({ msg }) => msg === away)).toHaveLength(1);

        receiver.answers((res) => void res.end('{}'));
        await open('/');
        await server.logs(back);
        receiver.answers(() => {});
        await open('/');
        expect(await timeOf(() => server.stop())).toBeLessThan(1_500);
        expect(server.lines.filter(({ msg }) => msg === back)).toHaveLength(1);
        // Neither is about the request that began the export.
        const ofTraces = server.lines.filter(({ trace_id }) => trace_id !== undefined).map(({ msg }) => msg);
        expect(ofTraces).not.toContain(away);
        expect(ofTraces).not.toContain(back);
      },
    ));

  test('that takes a request and never answers it holds up no stop for a second', () =>
    withOtlpApp({}, async ({ receiver, server, open }) => {
      receiver.answers(() => {});
      await open('/');
      await until(() => receiver.received.length > 0);
      await open('/');
      expect(await timeOf(() => server.stop())).toBeLessThan(1_500);
    }));

  test('that is away is logged once with what to do, and the app works', () =>
    withOtlpApp(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:a-password-0123@127.0.0.1:9',
        OTEL_EXPORTER_OTLP_TIMEOUT: '300',
      },
      async ({ server, open }) => {
        expect((await open('/profile')).status).toBe(200);
        const line = await server.logs(away);
        expect(line).toMatchObject({
          collector: 'http://127.0.0.1:9',
          reason: 'ECONNREFUSED',
          hint: expect.stringContaining('4318'),
        });
        expect(await timeOf(() => server.stop())).toBeLessThan(1_500);
        expect(JSON.stringify(server.lines) + server.complaints).not.toContain('a-password');
      },
    ));

  test('that refuses is not quoted: it may repeat the header that it was sent', () =>
    withOtlpApp(
      { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a-token-of-the-collector' },
      async ({ receiver, server, open }) => {
        receiver.answers((res) => void res.writeHead(401).end('not with Bearer a-token-of-the-collector'));
        await open('/');
        expect(await server.logs(away)).toMatchObject({
          reason: 'HTTP 401',
          hint: expect.stringContaining('OTEL_EXPORTER_OTLP_HEADERS'),
        });
        await server.stop();
        expect(receiver.received[0]?.headers.authorization).toBe('Bearer a-token-of-the-collector');
        expect(JSON.stringify(server.lines)).not.toContain('a-token-of');
      },
    ));
});

describe('the SDK', () => {
  const tracedLines = ({ lines }: ServerProcess) => lines.filter(({ trace_id }) => trace_id !== undefined);

  test('is not attached where nobody asks for it', async () => {
    const server = await startServer({});
    onTestFinished(() => server.stop());
    await fetch(server.origin);
    await server.logs('request');
    expect(tracedLines(server)).toEqual([]);
  });

  test('is attached where it is asked for, also without an address', async () => {
    const server = await startServer({ OTEL_METRICS_EXPORTER: 'none' }, { arguments: ['--otel'] });
    onTestFinished(() => server.stop());
    await fetch(server.origin);
    await server.logs('request');
    expect(tracedLines(server)).toHaveLength(1);
  });

  test('that is not installed is logged, with what to do, and the app works', () =>
    withOtlpApp(
      {},
      async ({ server, open, receiver }) => {
        expect((await open('/')).status).toBe(200);
        expect(await server.logs(/is not installed/)).toMatchObject({
          missing: '@opentelemetry/sdk-trace',
          hint: expect.stringContaining('npm ci --include=optional'),
        });
        await server.stop();
        expect(receiver.received).toEqual([]);
      },
      {
        nodeArguments: runFirst(`
          import { registerHooks } from 'node:module';
          const gone = '@opentelemetry/sdk-trace';
          registerHooks({
            resolve(name, context, next) {
              if (name !== gone) return next(name, context);
              throw Object.assign(new Error("Cannot find package '" + gone + "'"), { code: 'ERR_MODULE_NOT_FOUND' });
            },
          });`),
      },
    ));

  test('that somebody attached before the app stays the only one', () =>
    withOtlpApp(
      {},
      async ({ server, open, receiver }) => {
        expect((await open('/')).status).toBe(200);
        await server.stop();
        expect(receiver.received).toEqual([]);
        expect(server.complaints).toBe('');
      },
      {
        nodeArguments: runFirst(`
          import api from '${pathToFileURL(require.resolve('@opentelemetry/api'))}';
          import sdk from '${pathToFileURL(require.resolve('@opentelemetry/sdk-metrics'))}';
          api.metrics.setGlobalMeterProvider(new sdk.MeterProvider());`),
      },
    ));

  test('that is the one of @opentelemetry/sdk-node gets what the app measures, once', () =>
    withOtlpApp(
      {},
      async ({ server, open, receiver }) => {
        expect((await open('/')).status).toBe(200);
        await expect
          .poll(() => receiver.series().map(({ name }) => name), { timeout: 20_000 })
          .toContain('http.server.request.duration');
        await server.stop();
        const seen = receiver.resources().map((attributes) => attributes['test.sdk']);
        expect(new Set(seen)).toEqual(new Set(['own']));
      },
      {
        nodeArguments: runFirst(`
          import sdk from '${pathToFileURL(require.resolve('@opentelemetry/sdk-node'))}';
          process.env.OTEL_METRIC_EXPORT_INTERVAL = '200';
          process.env.OTEL_METRIC_EXPORT_TIMEOUT = '200';
          process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/json';
          process.env.OTEL_METRICS_EXPORTER = 'otlp';
          process.env.OTEL_RESOURCE_ATTRIBUTES = 'test.sdk=own';
          new sdk.NodeSDK({ instrumentations: [] }).start();`),
      },
    ));
});

/** The arguments that have Node run this first, as an SDK would be attached. */
function runFirst(text: string): string[] {
  return ['--import', `data:text/javascript,${encodeURIComponent(text)}`];
}

test(
  'unknown addresses, methods and hosts make no new series',
  () =>
    withOtlpApp(
      { OTEL_TRACES_EXPORTER: 'none', OTEL_METRIC_EXPORT_INTERVAL: '500' },
      async ({ receiver, server }) => {
        const methods = [
          'GET',
          'PROPFIND',
          'MKCOL',
          'PURGE',
          'REPORT',
          'SEARCH',
          'LINK',
          'BIND',
          'ACL',
          'M-SEARCH',
        ];
        const ask = async (from: number, to: number) => {
          const agent = new Agent({ keepAlive: true, maxSockets: 20 });
          for (let at = from; at < to; at += 100)
            await Promise.all(
              Array.from({ length: 100 }, (_, index) => {
                const n = at + index;
                const path = ['/made-up-', '/aUtH/', '/auth/login/', '/notes/x/'][n % 4] + String(n);
                const headers = {
                  Host: `host-${n}.example`,
                  'X-Forwarded-Host': `other-${n}.example`,
                  'User-Agent': `agent-${n}`,
                };
                return send(agent, server.origin, { method: methods[n % 10] as string, path, headers });
              }),
            );
          agent.destroy();
        };
        const lengthAfterExport = async () => {
          const count = receiver.received.length;
          await until(() => receiver.received.length > count + 1);
          return receiver.series().length;
        };
        await ask(0, 400);
        const before = await lengthAfterExport();
        expect(before).toBeGreaterThan(10);
        await ask(400, 10_400);
        await server.stop();
        expect(receiver.series().length).toBeLessThanOrEqual(before + 2);
        expect(JSON.stringify(receiver.series())).not.toMatch(/made-up|host-|other-|agent-|PROPFIND/);
        const others = receiver
          .series()
          .filter(({ attributes }) => attributes['http.request.method'] === '_OTHER');
        expect(others.reduce((sum, { value }) => sum + value, 0)).toBe(9_360);
      },
    ),
  60_000,
);

function send(
  agent: Agent,
  origin: string,
  options: { method: string; path: string; headers: Record<string, string> },
) {
  return new Promise<void>((resolve, reject) => {
    request(origin, { agent, ...options }, (res) => void res.resume().on('end', resolve))
      .on('error', reject)
      .end();
  });
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function each<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let count = 0; count < times; count++) results.push(await work());
  return results;
}

describe('the settings of OpenTelemetry', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  const read = (env: Record<string, string>, asked = false) => readTelemetrySettings(env, asked);

  test('send nothing unless they name a collector, or it is asked for', () => {
    expect(read({})).toBeUndefined();
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })).toBeUndefined();
    expect(read({ OTEL_SERVICE_NAME: 'shop', OTEL_TRACES_SAMPLER: 'always_on' })).toBeUndefined();
    expect(read({}, true)).toMatchObject({ traces: true, metrics: true, collector: 'http://localhost:4318' });
    expect(read(endpoint)).toMatchObject({ traces: true, metrics: true, collector: 'http://collector:4318' });
  });

  test('choose what is sent', () => {
    const only = (signal: string) => ({
      [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]: 'https://collector/v1/x',
    });
    expect(read(only('TRACES'))).toMatchObject({ traces: true, metrics: false });
    expect(read(only('METRICS'))).toMatchObject({ traces: false, metrics: true });
    expect(read({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toMatchObject({
      traces: false,
      metrics: true,
    });
    expect(
      read({ ...endpoint, OTEL_METRICS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'none' }),
    ).toBeUndefined();
    expect(read({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }, true)).toBeUndefined();
  });

  test('choose which traces are kept', () => {
    expect(read(endpoint)).toMatchObject({ sampler: 'parentbased_always_on', ratio: 1 });
    const tenth = {
      ...endpoint,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    };
    expect(read(tenth)).toMatchObject({ sampler: 'parentbased_traceidratio', ratio: 0.1, notes: [] });
  });

  test.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT is no http'],
    [
      { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'grpc://c:4317' },
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no http',
    ],
    [{ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'a protocol that this app does not speak'],
    [{ ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER has a value'],
    [{ ...endpoint, OTEL_TRACES_SAMPLER: 'some' }, 'OTEL_TRACES_SAMPLER has a value'],
    [{ ...endpoint, OTEL_TRACES_SAMPLER_ARG: '10%' }, 'OTEL_TRACES_SAMPLER_ARG has a value'],
    [{ ...endpoint, OTEL_TRACES_SAMPLER_ARG: '2' }, 'OTEL_TRACES_SAMPLER_ARG has a value'],
    [{ ...endpoint, OTEL_METRIC_EXPORT_INTERVAL: '0' }, 'OTEL_METRIC_EXPORT_INTERVAL has a value'],
    [{ ...endpoint, OTEL_METRIC_EXPORT_INTERVAL: '99999999999' }, 'OTEL_METRIC_EXPORT_INTERVAL has a value'],
    [{ ...endpoint, OTEL_BSP_SCHEDULE_DELAY: '1s' }, 'OTEL_BSP_SCHEDULE_DELAY has a value'],
  ])('are noted where they are wrong, and stop nothing: %j', (env, message) => {
    const { notes = [] } = read(env) ?? {};
    expect(notes.map((note) => note.message).join()).toContain(message);
    expect(notes.every(({ hint }) => hint.length > 20)).toBe(true);
  });
});
