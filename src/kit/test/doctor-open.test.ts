import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../config/index.ts';
import { type Finding, mask } from '../doctor/finding.ts';
import { checkOpen } from '../doctor/open.ts';
import { type AnySite, defineSite } from '../site.ts';

import { freePort } from '../testing/processes.ts';
import { about, examineStub, runDoctor, sessionSecret } from './helpers/doctor-run.ts';

// What a site opens, such as its database: set does not mean that it is there.

const settings = {
  DATABASE_URL: { meaning: 'the database', schema: z.string(), secret: true },
};
const address = 'postgres://app:hunter22-password@127.0.0.1/app';

function siteThatOpens(open: AnySite['open']): AnySite {
  return defineSite({ name: 'Opens', settings, pages: () => [], ...(open && { open }) }) as AnySite;
}

async function linesOf(open: AnySite['open'], { isAsked = true, ms = 10_000 } = {}): Promise<Finding[]> {
  const site = siteThatOpens(open);
  const env = {
    ...{ BASE_URL: 'http://127.0.0.1:3000', SESSION_SECRET: sessionSecret, DATABASE_URL: address },
    ...{
      OIDC_ISSUER: 'http://127.0.0.1:9',
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_SECRET: 'a secret of the app',
    },
  };
  return mask(await checkOpen(site, loadConfig(env, site), isAsked, ms), [address, 'hunter22-password']);
}

const failing = (error: unknown) => () => Promise.reject(error);

describe('what `open` opens', () => {
  test('is not tried unless somebody asks for it, which the doctor says', async () => {
    let calls = 0;
    const open = () => ({ data: ++calls });
    const [line, ...others] = await linesOf(open, { isAsked: false });
    expect([line?.state, line?.check, others, calls]).toEqual(['warning', 'open', [], 0]);
    expect(line?.hint).toContain('npm run doctor -- --open');
    expect(await linesOf(undefined)).toEqual([]);
  });

  test('gets the settings, and is closed again', async () => {
    const calls: unknown[] = [];
    const lines = await linesOf(async ({ settings }) => ({
      data: calls.push(settings.DATABASE_URL),
      close: () => void calls.push('closed'),
    }));
    expect(lines).toEqual([
      { check: 'open', state: 'ok', text: 'opened what your app works with, and closed it again.' },
    ]);
    expect(calls).toEqual([address, 'closed']);
  });

  test('that is away is named with the code', async () => {
    const port = Number(await freePort());
    const dial = () =>
      new Promise<never>((_resolve, reject) => {
        connect({ port, host: '127.0.0.1' }).on('error', reject);
      });
    const [line] = await linesOf(dial);
    expect(line?.text).toBe(`failed: connect ECONNREFUSED 127.0.0.1:${port}.`);
    expect(line?.hint).toContain('Nothing is listening there');
  });

  test.each<[what: string, thrown: unknown, text: string, hint: string]>([
    [
      'a password that is refused',
      Object.assign(new Error('password authentication failed for user "app"'), { code: '28P01' }),
      'failed: password authentication failed for user "app" (28P01).',
      'does not accept this user or password',
    ],
    [
      'the code of a cause',
      new Error('the tables', { cause: Object.assign(new Error('none'), { code: '3D000' }) }),
      'failed: the tables (3D000).',
      'There is no database of this name',
    ],
    [
      // As Node throws it where a name has several addresses.
      'each address of a name',
      Object.assign(new AggregateError([new Error('connect ::1'), new Error('connect 127.0.0.1')]), {
        code: 'ECONNREFUSED',
      }),
      'failed: connect ::1; connect 127.0.0.1 (ECONNREFUSED).',
      'Nothing is listening there',
    ],
    [
      'a secret setting',
      new Error(`no way to ${address}`),
      'failed: no way to postgres://•••@127.0.0.1/app.',
      'fix what it says',
    ],
    [
      'an address that is not secret',
      new Error('x at redis://a:b@c/'),
      'failed: x at redis://•••@c/.',
      'fix what',
    ],
    ['what is no error', 'no such file', 'failed: no such file.', 'fix what it says'],
    ['lines and colours', new Error('a\n\u001B[31mb'), 'failed: a [31mb.', 'fix what it says'],
  ])('that fails is named: %s', async (_what, thrown, text, hint) => {
    const [line] = await linesOf(failing(thrown));
    expect(line).toMatchObject({ state: 'failed', check: 'open', hint: expect.stringContaining(hint) });
    expect(line?.text.startsWith(text), line?.text).toBe(true);
    expect(line?.text).not.toContain('hunter22');
  });

  test('that returns something else, never ends, or cannot be closed is named too', async () => {
    const never = () => new Promise<never>(() => {});
    const open = (close: () => unknown) => () => ({ data: 1, close });
    const thrown = () => {
      throw new Error('still busy');
    };
    const told = [
      await linesOf(() => undefined as never),
      await linesOf(never, { ms: 50 }),
      await linesOf(open(thrown)),
      await linesOf(open(never), { ms: 50 }),
      await linesOf(() => ({ data: 1 })),
    ].map(([line]) => `${line?.state}: ${line?.text}`);
    expect(told).toEqual([
      'failed: failed: `open` in site.ts must return an object: { data, close }.',
      'failed: failed: it took more than 0.05 seconds.',
      'warning: opened what your app works with, but `close` failed: still busy.',
      'warning: opened what your app works with, but `close` failed: it took more than 0.05 seconds.',
      'ok: opened what your app works with. There is no `close`.',
    ]);
  });

  test('is a line of the doctor, beside all others', async () => {
    const site = siteThatOpens(failing(new Error('no database')));
    const { found } = await examineStub({
      env: { DATABASE_URL: address },
      loaded: { site, root: '/nowhere' },
    });
    expect(about(found, 'open').map(({ state }) => state)).toEqual(['warning']);
    expect(about(found, 'own settings')[0]?.text).toBe('DATABASE_URL (the database): set.');
  });

  test('is tried by `--open`, which ends also where `open` goes on for ever, and needs a site', {
    timeout: 60_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-open-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'site.mjs');
    const kit = JSON.stringify(new URL('../index.ts', import.meta.url).href);
    writeFileSync(
      file,
      `import { definePage, defineSite } from ${kit};
      const open = () => { setInterval(() => {}, 1_000); throw new Error('no database at all'); };
      export const site = defineSite({ name: 'Opens', pages: () => [], open });`,
    );
    const env = {
      ...{ BASE_URL: 'http://127.0.0.1:3000', SESSION_SECRET: sessionSecret },
      ...{
        OIDC_ISSUER: 'http://127.0.0.1:9',
        OIDC_CLIENT_ID: 'app',
        OIDC_CLIENT_SECRET: 'a secret of an app',
      },
    };
    const { code, output } = await runDoctor(env, [file, '--open', '--json']);
    expect(code).toBe(1);
    const { checks } = JSON.parse(output) as { checks: Finding[] };
    expect(about(checks, 'open')).toMatchObject([{ state: 'failed', text: 'failed: no database at all.' }]);
    const without = await runDoctor(env, ['--open']);
    expect([without.code, without.complaints]).toEqual([2, expect.stringContaining('--open needs the site')]);
  });
});
