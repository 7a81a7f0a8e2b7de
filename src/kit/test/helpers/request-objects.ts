import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { expect } from 'vitest';
import { createBrowser } from './browser.ts';
import { clientSecret } from './identity-provider.ts';
import { makeFolder, privateKeyText } from './key-files.ts';
import { expectPlainFailure } from './misbehaving-sign-in.ts';
import type { Pair } from './pair.ts';
import { warningsOf } from './whole-life.ts';

/** A key of the app's: its file, and what to register at the provider. */
export interface SigningKey {
  file: string;
  /** Public, with the name that the app gives it. */
  jwk: JWK & { kid: string; use: string };
}

/** A folder for the keys of one test file. */
export function keyFolder(name: string) {
  const { write, remove } = makeFolder(name);

  async function save(key: KeyObject, as?: { kid?: string; alg?: string }): Promise<SigningKey> {
    const jwk = await exportJWK(createPublicKey(key));
    const kid = as?.kid ?? (await calculateJwkThumbprint(jwk));
    return { file: write(privateKeyText(key, as)), jwk: { ...jwk, use: 'sig', kid } };
  }

  return { write: (content: string | Buffer) => write(content), save, remove };
}

export const rsaKey = (modulusLength = 2048) => generateKeyPairSync('rsa', { modulusLength }).privateKey;
export const ecKey = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve }).privateKey;
export const edKey = () => generateKeyPairSync('ed25519').privateKey;

/** How the app is registered for a way of OIDC_CLIENT_AUTH, beside the public key, and its settings. */
export function registeredFor(way: string, key: SigningKey) {
  const hasSecret = way.startsWith('client_secret');
  return {
    client: {
      token_endpoint_auth_method: way,
      require_signed_request_object: true,
      jwks: { keys: [key.jwk] },
      ...(!hasSecret && { client_secret: undefined as never }),
    },
    env: {
      OIDC_CLIENT_AUTH: way,
      OIDC_CLIENT_SECRET: hasSecret ? clientSecret : undefined,
      OIDC_REQUEST_OBJECT: 'true',
      OIDC_CLIENT_KEY_FILE: key.file,
    },
  };
}

/** Begins a sign-in; the address at the provider that a browser is sent to. */
export async function beginAt({ app }: Pick<Pair, 'app'>, path = '/profile', browser = createBrowser()) {
  const { location, status } = await browser.get(app.url(path), { follow: false });
  if (!location) throw new Error(`not sent on: ${status} ${JSON.stringify(app.lines.at(-1))}`);
  return new URL(location);
}

/** What a request object holds, its signature checked as a provider does. */
export async function readRequest(request: string | null | undefined, { jwk }: SigningKey) {
  return jwtVerify<JWTPayload>(request ?? '', jwk, { typ: 'oauth-authz-req+jwt' });
}

/** Opens a page as nobody; what the person is shown, and the one audit event. */
export async function expectRequestRefused(
  { app }: Pair,
  as: Record<string, unknown>,
  { status = 502 } = {},
) {
  const page = await createBrowser().get(app.url('/profile'));
  expectPlainFailure(page, app);
  expect([page.status, page.body.includes('invalid_'), page.body.includes('OIDC_')]).toEqual([
    status,
    false,
    false,
  ]);
  const { hint, ...others } = as;
  expect(app.events('sign_in.failed'), warningsOf(app)).toMatchObject([
    { level: 'warn', hint: expect.stringMatching(hint as RegExp), ...others },
  ]);
  expect(warningsOf(app)).toContain('"msg":"request failed"');
  return page;
}
