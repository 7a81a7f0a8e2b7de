import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { closeInTime, closingMs, graceMs } from '../process/closing.ts';
import { kitDocs, readDoc, section, sharedFile } from './helpers/docs.ts';
import { manifests } from './helpers/manifests.ts';

// How long a stop takes, and after which time the process is killed: the same numbers in the code, the files of each
// platform and the docs.

const delay = 5;
const spare = 5;
const killedAfter = delay + (graceMs + closingMs) / 1000 + spare;

const files = [
  ...['Dockerfile', 'compose.yaml', 'deploy/nginx.conf', 'deploy/Caddyfile'],
  ...(manifests() ?? []).map(({ file }) => `deploy/kubernetes/${file}`),
];
const texts = [
  ...[...new Set(files)].map((path) => ({ path, text: sharedFile(path) ?? '' })),
  ...kitDocs().map((path) => ({ path, text: readDoc(path) })),
].filter(({ text }) => text !== '');

describe.each(texts)('$path', ({ path, text }) => {
  test('has the one delay, and the one time after which the process is killed', () => {
    const delays = [...text.matchAll(/\bSHUTDOWN_DELAY_SECONDS[=:] ?"?(\d+)/g)].map(([, seconds]) =>
      Number(seconds),
    );
    expect([...new Set(delays)]).toEqual(delays.length > 0 ? [delay] : []);
    const kills = text.matchAll(
      /(?:terminationGracePeriodSeconds: |stop_grace_period: |--stop-timeout |TimeoutStopSec=)(\d+)/g,
    );
    const times = [...kills].map(([, seconds]) => Number(seconds));
    expect([...new Set(times)]).toEqual(times.length > 0 ? [killedAfter] : []);
    if (/nginx|Caddy|compose|config-map/.test(path)) expect(delays).toHaveLength(1);
    if (/Dockerfile|compose|deployment/.test(path)) expect(times).toHaveLength(1);
  });
});

test.skipIf(!kitDocs().includes('docs/operations.md'))(
  'docs/operations.md says how the numbers are made',
  () => {
    const text = section(readDoc('docs/operations.md'), 'Start and stop');
    expect(graceMs).toBe(10_000);
    expect(text).toContain('running requests have ten seconds to finish');
    expect(closingMs).toBe(10_000);
    expect(text).toContain('What is open then has ten seconds to close');
    expect(text).toContain(`\`SHUTDOWN_DELAY_SECONDS\` and ${(graceMs + closingMs) / 1000} seconds at most`);
    expect(spare).toBe(5);
    expect(text).toContain('killed five seconds later');
    expect(text).toContain(`after ${killedAfter} seconds:`);
  },
);

test('what hangs when it is closed does not keep the process, and is logged with what to do', async () => {
  const lines: object[] = [];
  const log = { warn: (fields: object, message: string) => void lines.push({ ...fields, message }) } as never;
  await closeInTime(() => new Promise(() => {}), log, 20);
  expect(lines).toEqual([
    {
      hint: expect.stringContaining('`close` of `open` in site.ts'),
      message: 'closing took longer than 0.02 seconds, so the process ends without it',
    },
  ]);
});

test('what closes in time is waited for, and its failure is not hidden', async () => {
  const log = {
    warn: () => {
      throw new Error('nothing to warn of');
    },
  } as never;
  let closed = false;
  await closeInTime(async () => {
    await sleep(5);
    closed = true;
  }, log);
  expect(closed).toBe(true);
  await expect(closeInTime(() => Promise.reject(new Error('broken')), log)).rejects.toThrow('broken');
});
