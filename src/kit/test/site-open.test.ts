import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../testing/processes.ts';
import { bareEnv } from './helpers/bare-env.ts';

// What a site opens, in a process as `npm start` runs it: before the app listens, until its last answer.

const kit = JSON.stringify(new URL('../index.ts', import.meta.url).href);

interface Running {
  child: ChildProcess;
  origin: string;
  /** What it has written so far, by both ways. */
  said(): string;
  exitCode: Promise<number | null>;
}

/** @param site the parts of `defineSite`, as they stand in a file */
async function launch(site: string, logLevel = 'fatal'): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'site-open-'));
  const file = join(folder, 'server.mjs');
  writeFileSync(
    file,
    `import { defineSite, run } from ${kit};\nawait run(defineSite({ name: 'Small', pages: () => [], ${site} }));\n`,
  );
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [file], {
    env: {
      ...{ ...bareEnv, BASE_URL: origin, HOST: '127.0.0.1', PORT: String(port) },
      ...{
        OIDC_ISSUER: 'http://localhost:9',
        OIDC_CLIENT_ID: 'app',
        OIDC_CLIENT_SECRET: 'a secret of the app',
      },
      ...{ SESSION_SECRET: randomBytes(32).toString('hex'), LOG_LEVEL: logLevel },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
  }
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  return { child, origin, said: () => text, exitCode };
}

const soon = { timeout: 15_000, interval: 20 };

test.each([
  ['throws', "open: () => { throw new Error('no database at /x'); }", /no database at \/x/],
  ['rejects', "open: async () => { throw new Error('no database at /x'); }", /no database at \/x/],
  ['returns nothing', 'open: () => {}', /must return an object: \{ data, close \}/],
  ['returns no `data`', 'open: () => ({ db: 1 })', /must return what pages get as `data`: \{ data, close \}/],
  [
    'returns a `close` of another kind',
    'open: () => ({ data: 1, close: 7 })',
    /`close` of what .* must be a function/,
  ],
])(
  'an `open` that %s stops the start with a sentence and exit code 1',
  { timeout: 60_000 },
  async (_how, site, says) => {
    const { exitCode, said } = await launch(site);
    expect(await exitCode).toBe(1);
    const sentence = said()
      .split('\n')
      .find((line) => line.startsWith('The app cannot start: '));
    expect(sentence).toMatch(says);
    expect(sentence).toContain('`open` in site.ts');
  },
);

test.each([
  ['the address that it was given', "'cannot reach ' + settings.DATABASE_URL"],
  ['its password only', "'no rights for ' + new URL(settings.DATABASE_URL).password"],
  ['the error below it', "'failed', { cause: new Error(settings.DATABASE_URL) }"],
])('an `open` whose error holds a secret shows none: %s', { timeout: 60_000 }, async (_what, error) => {
  const secret = "{ secret: true, meaning: 'm', default: 'db://app:hunter-22@db.example/app', schema }";
  const { exitCode, said } = await launch(
    `settings: (() => {
      const schema = { safeParse: (data) => ({ success: true, data }) };
      return { DATABASE_URL: ${secret} };
    })(),
    open: ({ settings }) => { throw new Error(${error}); }`,
  );
  expect(await exitCode).toBe(1);
  expect(said()).toContain('The app cannot start: ');
  expect(said()).toMatch(/site-open-[^"]*server\.mjs/); // Where it happened.
  expect(said()).not.toContain('hunter-22');
});

test('an app that runs writes none of its own secrets into its log either', { timeout: 60_000 }, async () => {
  const secret = "{ secret: true, meaning: 'm', default: 'db://app:hunter%40-22%2F@db.example/app', schema }";
  const { child, origin, said, exitCode } = await launch(
    `settings: (() => {
      const schema = { safeParse: (data) => ({ success: true, data }) };
      return { DATABASE_URL: ${secret} };
    })(),
    publicRoutes: (router, { settings }) => void router.get('/fails', () => {
      const { password } = new URL(settings.DATABASE_URL);
      throw new Error('no rights for ' + decodeURIComponent(password) + ' at ' + settings.DATABASE_URL);
    }),`,
    'error',
  );
  await vi.waitFor(() => fetch(`${origin}/healthz`), soon);
  expect((await fetch(`${origin}/fails`)).status).toBe(500);
  await vi.waitFor(
    () => expect(said()).toContain('no rights for [redacted] at db://[redacted]@db.example/app'),
    soon,
  );
  expect(said()).not.toContain('hunter');
  child.kill('SIGTERM');
  expect(await exitCode).toBe(0);
});

test('that misses a setting of its own says what for and where to set it', { timeout: 60_000 }, async () => {
  const schema = '{ safeParse: (value) => ({ success: value !== undefined, error: { issues: [] } }) }';
  const { exitCode, said } = await launch(
    `settings: { KEY: { meaning: 'opens the safe', schema: ${schema} } }`,
  );
  expect(await exitCode).toBe(78);
  expect(said()).toBe(
    'The app cannot start:\n- KEY is missing: opens the safe. Set it in the environment or in .env.\n',
  );
});

test('opens before it listens, and closes once, after the last answer', { timeout: 60_000 }, async () => {
  const { child, origin, said, exitCode } = await launch(`
    open: async () => {
      const early = await fetch(process.env.BASE_URL).then(() => 'listening', () => 'not listening');
      console.log('opened,', early);
      return { data: 7, close: async () => console.log('closed') };
    },
    publicRoutes: (router, { data }) => void router.get('/slow', (req, res) => {
      console.log('asked', data);
      process.once('SIGTERM', () => setTimeout(() => {
        console.log('answered');
        res.send('done');
      }, 200));
    }),
  `);
  await vi.waitFor(() => fetch(`${origin}/healthz`), soon);
  const slow = fetch(`${origin}/slow`).then((answer) => answer.text());
  await vi.waitFor(() => expect(said()).toContain('asked 7'), soon);
  child.kill('SIGTERM');
  child.kill('SIGTERM');
  expect(await slow).toBe('done');
  expect(await exitCode).toBe(0);
  expect(said().trim().split('\n')).toEqual(['opened, not listening', 'asked 7', 'answered', 'closed']);
});
