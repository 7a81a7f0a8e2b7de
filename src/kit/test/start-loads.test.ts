import { expect, test } from 'vitest';
import { startServer } from './helpers/server-process.ts';

// What a start loads: each file takes its time, and the first page waits for all of them.

test('OpenTelemetry and the client of Redis are loaded where they are used, and only there', async () => {
  const plain = await packagesLoaded({});
  expect(plain).toContain('express');
  expect(plain.filter(ofTelemetryOrRedis)).toEqual([]);

  // Nobody listens there.
  const measured = await packagesLoaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  expect(measured).toEqual(expect.arrayContaining(['@opentelemetry/api', '@opentelemetry/sdk-metrics']));
  const onRedis = await packagesLoaded({ REDIS_URL: 'redis://127.0.0.1:9' });
  expect(onRedis.filter(ofTelemetryOrRedis)).toEqual(['@redis/client']);
});

const ofTelemetryOrRedis = (name: string) => /^@(opentelemetry|redis)\//.test(name);

/** What has been loaded when the app, started with these settings, has stopped again. */
async function packagesLoaded(settings: Record<string, string>): Promise<string[]> {
  const hook = `data:text/javascript,${encodeURIComponent(listing)}`;
  const server = await startServer(settings, { nodeArguments: ['--import', hook] });
  await server.stop();
  return JSON.parse(server.complaints.trim().split('\n').at(-1) ?? '');
}

const listing = String.raw`
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
      if (name) packages.add(name);
      return next(url, context);
    },
  });
  process.on('exit', () => console.error(JSON.stringify([...packages])));`;
