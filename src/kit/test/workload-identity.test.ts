import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { exportJWK } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { plain } from './helpers/misbehaving-profiles.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  withPair,
} from './helpers/misbehaving-sign-in.ts';
import { makeTokenVolume, platformKeys, platformToken, type TokenVolume } from './helpers/platform-tokens.ts';
import { expectWholeLife, warningsOf, watchForms, withPairOf } from './helpers/whole-life.ts';

// The app proves who it is by a token that its platform puts into a file and renews: nobody keeps a secret.
vi.setConfig({ maxConcurrency: 8 });

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const settingsFor = ({ path }: TokenVolume, more: Record<string, string> = {}) => ({
  OIDC_CLIENT_SECRET: '',
  OIDC_CLIENT_AUTH: 'workload_identity',
  OIDC_CLIENT_ASSERTION_FILE: path,
  ...more,
});

interface Given {
  content?: string;
  metadata?: Record<string, unknown>;
  par?: boolean;
  env?: Record<string, string>;
}

/** A provider that takes the platform's tokens, and keeps those that it was shown. Nothing of them is ever logged. */
async function withVolume(
  { content, metadata = {}, par = false, env = {} }: Given,
  use: (own: Pair & { volume: TokenVolume; shown: string[] }) => Promise<void>,
): Promise<void> {
  const volume = makeTokenVolume(content);
  const shown: string[] = [];
  const takesAssertion = (assertion: string) => shown.push(assertion) > 0;
  const op = { takesAssertion, par, profile: { ...plain, metadata } };
  try {
    await withPair({ op, env: settingsFor(volume, env) }, async (pair) => {
      await use({ ...pair, volume, shown });
      const log = JSON.stringify(pair.app.lines);
      for (const part of [content ?? '', ...shown].flatMap((token) => token.split('.')))
        if (part.length >= 10) expect(log).not.toContain(part.slice(0, 10));
    });
  } finally {
    volume.remove();
  }
}

describe('at a provider that verifies the token', () => {
  test('it is shown at sign-in, refresh and revocation, with the client id beside it', async () => {
    const key = { ...(await exportJWK(platformKeys.publicKey)), kid: 'cluster-1', use: 'sig' };
    const client = {
      token_endpoint_auth_method: 'private_key_jwt' as const,
      token_endpoint_auth_signing_alg: 'ES256' as const,
      client_secret: undefined as never,
      jwks: { keys: [key] },
    };
    const volume = makeTokenVolume();
    await withPairOf(
      { client, env: { ...settingsFor(volume), OIDC_CLIENT_SECRET: undefined } },
      async (pair) => {
        // A platform's token is used until it is renewed; this provider wants each once.
        const replays = (pair.provider.provider as unknown as { ReplayDetection: { unique: unknown } })
          .ReplayDetection;
        replays.unique = async () => true;
        const { issuer: aud } = pair.provider;
        const token = platformToken({ iss: 'web-app', sub: 'web-app', aud });
        volume.put(`\n  ${token}\n`);
        const forms = watchForms(pair.provider);
        await expectWholeLife(pair);
        expect(forms).toHaveLength(3);
        for (const form of forms) {
          expect(form).toMatchObject({
            client_id: 'web-app',
            client_assertion: token,
            client_assertion_type: assertionType,
          });
          expect(form).not.toHaveProperty('client_secret');
        }
      },
    ).finally(volume.remove);
  });
});

describe.concurrent('the file', () => {
  test.each<[how: string, replace: (volume: TokenVolume, token: string) => void]>([
    ['swapped as Kubernetes does', (volume, token) => volume.put(token)],
    [
      'written anew',
      ({ path }, token) => {
        rmSync(path);
        writeFileSync(path, token);
      },
    ],
  ])('is read anew at each sign-in: replaced in between, %s', (_, replace) =>
    withVolume({ content: platformToken() }, async (own) => {
      await expectHonestSignIn(own);
      const renewed = platformToken();
      replace(own.volume, renewed);
      await own.browser.submit(await own.open('/profile'));
      const [first, ...others] = own.shown;
      expect(first).not.toBe(renewed);
      // The sign-out revokes with the token that is there by then.
      expect(others).toEqual([renewed]);
      await expectHonestSignIn(own);
      expect(own.shown).toEqual([first, renewed, renewed]);
      expect(own.op.latest.token?.get('client_id')).toBe(own.op.clientId);
    }),
  );

  const faults: [what: string, spoil: (volume: TokenVolume) => void, hint: RegExp][] = [
    ['is not there', ({ clear }) => clear(), /is not there: have the platform put its token there/],
    ['is too large', ({ put }) => put('x'.repeat(17_000)), /is larger than 16 KiB/],
    ['holds an expired token', ({ put }) => put(platformToken({ exp: 1_700_000_000 })), / h ago: check that/],
    [
      'is a FIFO that nobody writes to',
      ({ path }) => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
      /is no regular file/,
    ],
  ];
  test.each(faults)(
    'that %s ends the sign-in with a page, and the next one takes the good token',
    (_, spoil, hint) =>
      withVolume({ content: platformToken() }, async (own) => {
        const { app, op, volume, open } = own;
        spoil(volume);
        const page = await open('/profile');
        expectPlainFailure(page, app);
        expect([page.status, op.calls.token]).toEqual([503, 0]);
        expect(page.body).toContain('Sign-in isn&#39;t set up correctly');
        expect(page.body).toMatch(/href="\/auth\/login\?returnTo=%2Fprofile"[^>]*>Sign in again</);
        const said = { hint: expect.stringMatching(hint) };
        expect(app.events('sign_in.failed')).toMatchObject([{ ...said, reason: 'client_refused' }]);
        const loud = app.lines.filter(({ msg }) => msg === 'the client assertion file cannot be used');
        expect(loud).toMatchObject([{ ...said, level: 'error' }]);

        rmSync(volume.path, { recursive: true });
        writeFileSync(volume.path, platformToken());
        await expectHonestSignIn(own);
      }),
  );

  const justExpired = platformToken({ exp: Math.floor(Date.now() / 1000) - 20 });
  test('may hold a token that has just expired, within the tolerance for clocks', () =>
    withVolume({ content: justExpired }, async (own) => void (await expectHonestSignIn(own))));

  test('that is not there does not stop the start: a line with its path warns of it', async () => {
    const warnings = ({ app }: Pair) =>
      app.lines.filter(({ level, msg }) => level === 'warn' && msg.startsWith('the client assertion file'));
    await withVolume({}, async (own) => {
      await vi.waitFor(() => expect(warnings(own)).toHaveLength(1), { timeout: 10_000 });
      expect(warnings(own)).toMatchObject([{ hint: expect.stringContaining(own.volume.path) }]);
      own.volume.put(platformToken());
      await expectHonestSignIn(own);
    });
    await withVolume({ content: platformToken() }, async (own) => {
      await expectHonestSignIn(own);
      expect(warnings(own)).toEqual([]);
    });
  });
});

describe.concurrent('without a usable token nobody is signed out', () => {
  test('a refresh waits for it, and goes on when it is there', () =>
    withVolume({ content: platformToken() }, async (own) => {
      const { app, op, browser, open, volume } = own;
      op.next({ token: { json: { expires_in: 1 } } });
      await expectHonestSignIn(own);
      volume.clear();
      const calls = op.calls.token;
      const page = await open('/api-data');
      expect([page.status, op.calls.token]).toEqual([503, calls]);
      expect((await browser.get(app.url('/profile'), { follow: false })).status).toBe(200);
      const hint = expect.stringContaining('OIDC_CLIENT_ASSERTION_FILE');
      expect(app.events('token.refresh_failed')).toMatchObject([{ reason: 'client_refused', hint }]);

      volume.put(platformToken());
      expect((await open('/api-data')).status).toBe(200);
      expect(own.shown).toHaveLength(2);
      expect(new Set(own.shown).size).toBe(2);
    }));

  test('a sign-out ends here all the same, and says what could not be revoked', () =>
    withVolume({ content: platformToken() }, async (own) => {
      const page = await expectHonestSignIn(own);
      own.volume.clear();
      const last = await own.browser.submit(page);
      expect(last.url.split('?')[0]).toBe(own.app.url('/signed-out'));
      const line = own.app.lines.find(({ msg }) => msg.includes('could not be revoked'));
      expect(line).toMatchObject({ hint: expect.stringContaining('OIDC_CLIENT_ASSERTION_FILE') });
      expect(own.op.calls.revocation).toBe(0);
    }));

  test('a sign-in that is pushed stops before the browser leaves', () =>
    withVolume({ par: true }, async (own) => {
      const page = await own.open('/profile');
      expectPlainFailure(page, own.app);
      expect([page.status, own.op.calls.par, own.op.calls.authorization]).toEqual([503, 0, 0]);
      own.volume.put(platformToken());
      await expectHonestSignIn(own);
      expect(own.op.latest.par?.get('client_assertion_type')).toBe(assertionType);
    }));

  const refusals: [error: string, error_description: string | undefined, status: number][] = [
    ['invalid_client', undefined, 401],
    ['invalid_grant', 'The audience of the assertion is not known', 400],
    [
      'invalid_request',
      'AADSTS700213: No matching federated identity record found for presented assertion subject',
      400,
    ],
  ];
  test.each(refusals)('the provider refuses it with %s (%s)', (error, error_description, status) =>
    withVolume({ content: platformToken() }, async (own) => {
      const { app, op, browser, open } = own;
      op.next({ token: { json: { expires_in: 1 } } });
      await expectHonestSignIn(own);
      op.nextRefresh({ token: { status, json: { error, error_description } } });
      expect((await open('/api-data')).status).toBe(503);
      expect((await browser.get(app.url('/profile'), { follow: false })).status).toBe(200);
      const hint = expect.stringMatching(
        /OIDC_CLIENT_ASSERTION_FILE: compare its issuer, subject and audience/,
      );
      expect(app.events('token.refresh_failed')).toMatchObject([{ reason: 'client_refused', hint }]);
    }),
  );
});

describe.concurrent('the token goes to the origin of the token endpoint only', () => {
  test.each([
    ['pushed_authorization_request_endpoint', '/par'],
    ['revocation_endpoint', '/revoke'],
  ])('a %s elsewhere gets nothing', (name, path) =>
    withVolume({ content: platformToken() }, async (stranger) => {
      const metadata = { [name]: `${stranger.op.origin}${path}` };
      await withVolume({ content: platformToken(), metadata }, async (own) => {
        const hint = `nothing was sent to ${stranger.op.origin}: the token in OIDC_CLIENT_ASSERTION_FILE goes`;
        if (path === '/par') expectPlainFailure(await own.open('/profile'), own.app);
        else await own.browser.submit(await expectHonestSignIn(own));
        expect(warningsOf(own.app)).toContain(hint);
      });
      expect(stranger.shown).toEqual([]);
    }),
  );
});
