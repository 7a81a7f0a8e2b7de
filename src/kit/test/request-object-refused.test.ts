import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TestApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { expectPlainFailure, withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf } from './helpers/pair.ts';
import {
  ecKey,
  expectRequestRefused,
  keyFolder,
  registeredFor,
  rsaKey,
  type SigningKey,
} from './helpers/request-objects.ts';
import { withPairOf } from './helpers/whole-life.ts';

// Providers that refuse a request, signed or not: what the person sees, and what the log tells a developer.

vi.setConfig({ testTimeout: 60_000 });

const folder = keyFolder('request-object-refused');
let key: SigningKey;
let other: SigningKey;
beforeAll(async () => {
  [key, other] = await Promise.all([folder.save(ecKey()), folder.save(rsaKey())]);
});
afterAll(folder.remove);

const byParOrNot = [['require'], ['off']];
const signed = (par: string) => {
  const { client, env } = registeredFor('client_secret_basic', key);
  return { client, env: { ...env, OIDC_PAR: par } };
};

describe.each(byParOrNot)('with OIDC_PAR=%s', (par) => {
  test('a provider that demands signed requests refuses a plain one, and the log says what to set', async () => {
    const { client } = signed(par);
    await withPairOf({ client, env: { OIDC_PAR: par } }, async (pair) => {
      await expectRequestRefused(pair, {
        reason: 'provider_error',
        error: 'invalid_request',
        hint: /^invalid_request: the provider accepts only signed requests.*OIDC_REQUEST_OBJECT=true/,
      });
    });
  });

  test('a provider that does not know the key', async () => {
    const { client, env } = signed(par);
    await withPairOf({ client: { ...client, jwks: { keys: [other.jwk] } }, env }, async (pair) => {
      await expectRequestRefused(pair, {
        reason: 'provider_error',
        error: 'invalid_request_object',
        hint: /^invalid_request_object: .*npm run doctor.*OIDC_CLIENT_KEY_ALG/,
      });
    });
  });

  test('a provider that has registered another algorithm', async () => {
    const { client, env } = signed(par);
    const registered = { ...client, request_object_signing_alg: 'PS256' };
    await withPairOf({ client: registered, env }, async (pair) => {
      await expectRequestRefused(pair, {
        reason: 'provider_error',
        error: 'invalid_request_object',
        hint: /compare request_object_signing_alg there/,
      });
    });
  });
});

test.each([
  ['invalid_request', 'Client must use request object, but no request or request_uri parameter present'],
  ['invalid_request_object', "Client is required to use 'request' or 'request_uri' parameter."],
  ['invalid_request', "Missing parameter: 'request' or 'request_uri'"],
])('the words of other servers that demand signed requests: %s, %s', async (error, error_description) => {
  await withPair({ op: { par: true } }, async ({ app, op, open }) => {
    op.takeOver('par', () => ({ status: 400, json: { error, error_description } }));
    expectPlainFailure(await open('/profile'), app);
    expect(app.events('sign_in.failed')).toMatchObject([
      { error, hint: expect.stringMatching(/only signed requests.*OIDC_REQUEST_OBJECT=true/) },
    ]);
  });
});

describe('a provider that takes no signed requests', () => {
  const overrides = { features: { requestObjects: { enabled: false } } };
  const hint =
    /request_not_supported: the provider does not accept signed requests.*OIDC_REQUEST_OBJECT=false/;

  test('by PAR', async () => {
    const { env } = signed('require');
    await withPairOf({ overrides, env }, async (pair) => {
      await expectRequestRefused(pair, { reason: 'provider_error', error: 'request_not_supported', hint });
    });
  });

  test('without PAR: it has not read the state, so its answer belongs to no sign-in, and the log says why', async () => {
    const { env } = signed('off');
    await withPairOf({ overrides, env }, async (pair) => {
      const page = await expectRequestRefused(pair, { reason: 'state_missing', hint }, { status: 400 });
      expect(headingOf(page)).toBe("This sign-in wasn't started in this browser");
    });
  });

  test('an answer without a state says nothing of signed requests where there are none', async () => {
    await withPairOf({ env: { OIDC_PAR: 'off' } }, async ({ app }) => {
      await createBrowser().get(app.url('/auth/callback?error=request_not_supported'));
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'state_missing' }]);
      expect(app.events('sign_in.failed')[0]).not.toHaveProperty('hint');
    });
  });

  test('what anybody writes into such an answer stays a short line', async () => {
    const { client, env } = signed('off');
    await withPairOf({ client, env }, async ({ app }) => {
      const query = new URLSearchParams({ error: `a\n{"level":60}${'x'.repeat(3_000)}` });
      await createBrowser().get(app.url(`/auth/callback?${query}`));
      const said = String(app.events('sign_in.failed')[0]?.hint);
      expect(said).toMatch(/^without a state, [^\n]{1,130}$/);
    });
  });
});

describe('a provider that quotes the request that it refuses', () => {
  const env = () => ({ OIDC_REQUEST_OBJECT: 'true', OIDC_CLIENT_KEY_FILE: key.file });

  /** No ten characters of them in any line (R20). */
  function expectUnsaid(app: TestApp, secrets: readonly unknown[]): void {
    const log = JSON.stringify(app.lines);
    for (const secret of secrets.map(String)) {
      expect(secret.length).toBeGreaterThanOrEqual(22);
      for (let at = 0; at + 10 <= secret.length; at++) {
        expect(log.includes(secret.slice(at, at + 10)), `characters ${at} to ${at + 10}`).toBe(false);
      }
    }
  }

  test.each([
    ['the whole JWT', (request: string) => request],
    ['a part of it', (request: string) => request.slice(100, 118)],
    ['what it has read', (request: string) => JSON.stringify(decodeJwt(request))],
    ['the nonce', (request: string) => String(decodeJwt(request).nonce)],
    ['the start of the state', (request: string) => String(decodeJwt(request).state).slice(0, 15)],
  ])('by PAR: %s is not in the log', async (_, quote) => {
    await withPair({ op: { par: true }, env: env() }, async ({ app, op, open }) => {
      op.takeOver('par', (_honest, params) => ({
        status: 400,
        json: {
          error: 'invalid_request_object',
          error_description: `Bad: ${quote(params.get('request') ?? '')} is not good`,
        },
      }));
      expectPlainFailure(await open('/profile'), app);
      const request = op.latest.par?.get('request') ?? '';
      const { state, nonce } = decodeJwt(request);
      expectUnsaid(app, [request, state, nonce]);
      expect(app.events('sign_in.failed')).toMatchObject([
        { error: 'invalid_request_object', error_description: expect.stringMatching(/^Bad: .*\[redacted\]/) },
      ]);
    });
  });

  test.each([
    ['the whole JWT', (request: string) => request],
    ['the nonce', (request: string) => String(decodeJwt(request).nonce)],
    ['the start of the state', (request: string) => String(decodeJwt(request).state).slice(0, 15)],
  ])('by the browser: %s is not in the log', async (_, quote) => {
    await withPair({ env: env() }, async ({ app, op, open }) => {
      op.takeOver('authorization', (_honest, params) => {
        const { state, redirect_uri } = decodeJwt(params.get('request') ?? '');
        const location = new URL(String(redirect_uri));
        location.search = String(
          new URLSearchParams({
            error: 'invalid_request_object',
            error_description: `Bad: ${quote(params.get('request') ?? '')} is not good`,
            state: String(state),
            iss: op.issuer,
          }),
        );
        return { status: 303, headers: { location: location.href } };
      });
      expectPlainFailure(await open('/profile'), app);
      const request = op.latest.authorization?.get('request') ?? '';
      const { state, nonce } = decodeJwt(request);
      expectUnsaid(app, [request, state, nonce]);
      expect(app.events('sign_in.failed')).toMatchObject([
        { error: 'invalid_request_object', error_description: expect.stringMatching(/^Bad: \[redacted\]/) },
      ]);
    });
  });
});
