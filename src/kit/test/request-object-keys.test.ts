import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { expectPlainFailure, withPair } from './helpers/misbehaving-sign-in.ts';
import { startPair } from './helpers/pair.ts';
import {
  beginAt,
  ecKey,
  expectRequestRefused,
  keyFolder,
  readRequest,
  registeredFor,
  rsaKey,
  type SigningKey,
} from './helpers/request-objects.ts';
import { startTwoProviders } from './helpers/two-providers.ts';
import { expectWholeLife, watchForms, withPairOf } from './helpers/whole-life.ts';

// Which key signs a request: of two while the provider learns a new one, and with several providers.

vi.setConfig({ testTimeout: 60_000 });

const folder = keyFolder('request-object-keys');
let key: SigningKey;
let other: SigningKey;
beforeAll(async () => {
  [key, other] = await Promise.all([folder.save(ecKey()), folder.save(rsaKey())]);
});
afterAll(folder.remove);

describe('two keys, of which the provider knows the second (rotation)', () => {
  const keysOf = (forms: Record<string, string>[]) =>
    forms.flatMap(({ request }) => (request ? [decodeProtectedHeader(request).kid] : []));

  test.each([['client_secret_basic'], ['private_key_jwt']])('by PAR with %s', async (way) => {
    const { client, env } = registeredFor(way, other);
    const both = { ...env, OIDC_CLIENT_KEY_FILE: `${key.file},${other.file}`, OIDC_PAR: 'require' };
    await withPairOf({ client, env: both }, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      expect(keysOf(forms)).toEqual([other.jwk.kid]);
      const pushed = pair.provider.requests.filter((line) => line === 'POST /request');
      expect(pushed, 'once with each').toHaveLength(2);
      await readRequest(forms[0]?.request, other);
    });
  });

  test.each([['client_secret_basic'], ['private_key_jwt']])(
    'the first where it knows both, with %s',
    async (way) => {
      const { client, env } = registeredFor(way, key);
      const both = { ...env, OIDC_CLIENT_KEY_FILE: `${key.file},${other.file}` };
      await withPairOf(
        { client: { ...client, jwks: { keys: [key.jwk, other.jwk] } }, env: both },
        async (pair) => {
          const forms = watchForms(pair.provider);
          await expectWholeLife(pair);
          expect(keysOf(forms)).toEqual([key.jwk.kid]);
        },
      );
    },
  );

  test.each([['client_secret_basic'], ['private_key_jwt']])(
    'a provider that knows neither is asked once with each, with %s',
    async (way) => {
      const stranger = await folder.save(ecKey());
      const { client, env } = registeredFor(way, stranger);
      const both = { ...env, OIDC_CLIENT_KEY_FILE: `${key.file},${other.file}` };
      await withPairOf({ client, env: both }, async (pair) => {
        await expectRequestRefused(pair, {
          reason: 'provider_error',
          hint: /^invalid_(client|request_object): /,
        });
        expect(pair.provider.requests.filter((line) => line === 'POST /request')).toHaveLength(2);
      });
    },
  );

  test('where the provider refuses the request of the key that it knows, the log says that', async () => {
    const { client, env } = registeredFor('private_key_jwt', key);
    const both = { ...env, OIDC_CLIENT_KEY_FILE: `${key.file},${other.file}` };
    await withPairOf(
      { client: { ...client, request_object_signing_alg: 'PS256' }, env: both },
      async (pair) => {
        await expectRequestRefused(pair, {
          reason: 'provider_error',
          error: 'invalid_request_object',
          hint: /^invalid_request_object: /,
        });
      },
    );
  });

  test('another refusal of the first is not tried again', async () => {
    const op = { par: true };
    const env = { OIDC_REQUEST_OBJECT: 'true', OIDC_CLIENT_KEY_FILE: `${key.file},${other.file}` };
    await withPair({ op, env }, async ({ app, op: provider, open }) => {
      provider.takeOver('par', () => ({ status: 400, json: { error: 'invalid_scope' } }));
      expectPlainFailure(await open('/profile'), app);
      expect(provider.calls.par).toBe(1);
    });
  });

  test('without PAR only the first signs', async () => {
    const { client, env } = registeredFor('client_secret_basic', key);
    const both = { ...env, OIDC_CLIENT_KEY_FILE: `${key.file},${other.file}`, OIDC_PAR: 'off' };
    const pair = await startPair({ client, env: both });
    try {
      await readRequest((await beginAt(pair)).searchParams.get('request'), key);
      expect((await pair.signIn('alice')).page.status).toBe(200);
    } finally {
      await pair.stop();
    }
  });
});

test('several providers: each gets requests by its own key, for itself', async () => {
  const of = (name: string, { file }: SigningKey) => ({
    [`OIDC_${name}_REQUEST_OBJECT`]: 'true',
    [`OIDC_${name}_CLIENT_KEY_FILE`]: file,
  });
  const demands = (known: SigningKey) => ({
    require_signed_request_object: true,
    jwks: { keys: [known.jwk] },
  });
  const two = await startTwoProviders({
    env: { ...of('WORK', key), ...of('GOOGLE', other), OIDC_GOOGLE_PAR: 'off' },
    clients: { work: demands(key), google: demands(other) },
  });
  try {
    const forms = watchForms(two.work);
    expect((await two.signIn('work', 'alice')).page.status).toBe(200);
    const atWork = await readRequest(forms[0]?.request, key);
    expect(atWork.payload).toMatchObject({ iss: 'app-at-work', aud: two.work.issuer });

    expect((await two.signIn('google', 'alice')).page.status).toBe(200);
    const { location = '' } = await createBrowser().get(two.url('/auth/login/google'), { follow: false });
    const atGoogle = await readRequest(new URL(location).searchParams.get('request'), other);
    expect(atGoogle.payload).toMatchObject({ iss: 'app-at-google', aud: two.google.issuer });
  } finally {
    await two.stop();
  }
});
