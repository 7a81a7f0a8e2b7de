import { createHash, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../dev/api.ts';
import { startProvider } from '../dev/provider.ts';

const audience = 'https://api.example.com/notes';
let provider: Awaited<ReturnType<typeof startProvider>>;
let api: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  provider = await startProvider();
  api = await startApi({ issuer: provider.issuer, audience });
});

afterAll(async () => {
  await api.stop();
  await provider.stop();
});

describe('the sample API', () => {
  it('answers whoever brings a good token, and knows who that is', async () => {
    const answer = await ask(`Bearer ${await token()}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ sub: 'alice', notes: expect.any(Array) });
  });

  it('asks for a token where none is, without saying what is wrong with it (RFC 6750 §3)', async () => {
    const answer = await ask();
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="notes"');
  });

  it.each([
    ['of another issuer', { iss: 'https://evil.example' }, {}],
    ['for another API', { aud: 'https://other.example.com' }, {}],
    ['without an audience', { aud: undefined }, {}],
    ['that has expired', { exp: now() - 10 }, {}],
    ['that never expires', { exp: undefined }, {}],
    ['that is not valid yet', { nbf: now() + 600 }, {}],
    ['of nobody', { sub: undefined }, {}],
    ['that is an ID token', {}, { typ: 'JWT' }],
    ['that says nothing of its type', {}, { typ: undefined }],
    ['that names an unknown key', {}, { kid: 'unknown' }],
  ])('refuses a token %s', async (_what, claims: object, header: Header) => {
    const answer = await ask(`Bearer ${await token(claims, header)}`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('refuses a token that nobody signed, or somebody else, or that was changed', async () => {
    const good = await token();
    const [header, payload, signature] = good.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    const { privateKey } = await generateKeyPair('RS256');
    const forged = await new SignJWT(claimsOf({}))
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: String(provider.jwks.keys[0]?.kid) })
      .sign(privateKey);
    const changed = Buffer.from(JSON.stringify(claimsOf({ sub: 'mallory' }))).toString('base64url');
    for (const bad of [`${none}.${payload}.`, forged, `${header}.${changed}.${signature}`, 'not-a-jwt']) {
      expect((await ask(`Bearer ${bad}`)).status, bad).toBe(401);
    }
  });

  it('answers 403 when the token lacks the scope, and names it', async () => {
    for (const scope of ['openid profile', undefined]) {
      const answer = await ask(`Bearer ${await token({ scope })}`);
      expect(answer.status).toBe(403);
      expect(answer.headers.get('www-authenticate')).toMatch(
        /error="insufficient_scope".*scope="notes.read"/,
      );
    }
  });

  it('answers 400 to an Authorization header that is none', async () => {
    for (const header of ['Bearer', 'Bearer a b', 'Basic YTpi', 'Bearer ä']) {
      const answer = await ask(Buffer.from(header, 'utf8').toString('latin1'));
      expect(answer.status).toBe(400);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_request"');
    }
  });

  it('takes no token from the address or a form', async () => {
    expect((await fetch(`${api.url}/?access_token=${await token()}`)).status).toBe(401);
    const body = new URLSearchParams({ access_token: await token() });
    expect((await fetch(api.url, { method: 'POST', body })).status).toBe(401);
  });

  it('says 503, not 401, when the keys cannot be had: the token may well be good', async () => {
    const lonely = await startApi({ issuer: 'http://localhost:1', audience });
    const answer = await fetch(lonely.url, { headers: { authorization: `Bearer ${await token()}` } });
    await lonely.stop();
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
  });
});

describe('a token that is bound to a key (RFC 9449)', () => {
  it('opens with a proof of that key, for this request alone', async () => {
    const { bound, prove } = await boundToken();
    expect((await ask(`DPoP ${bound}`, await prove())).status).toBe(200);
    const misfits = [
      await prove({ htm: 'POST' }),
      await prove({ htu: 'https://other.example.com/' }),
      await prove({ ath: 'wrong' }),
      await prove({ iat: now() - 600 }),
      await (await boundToken()).prove(),
      undefined,
    ];
    for (const proof of misfits) expect((await ask(`DPoP ${bound}`, proof)).status).toBe(401);
  });

  it('is worth nothing as a bearer token, nor an unbound one as a DPoP token', async () => {
    const { bound, prove } = await boundToken();
    expect((await ask(`Bearer ${bound}`)).status).toBe(401);
    expect((await ask(`Bearer ${bound}`, await prove())).status).toBe(401);
    expect((await ask(`DPoP ${await token()}`, await prove())).status).toBe(401);
  });
});

interface Header {
  typ?: string | undefined;
  kid?: string;
}

function ask(authorization?: string, dpop?: string): Promise<Response> {
  return fetch(api.url, { headers: { ...(authorization && { authorization }), ...(dpop && { dpop }) } });
}

/** An access token as the provider signs them, with something changed. */
async function token(claims: object = {}, header: Header = {}): Promise<string> {
  const [jwk] = provider.jwks.keys;
  const key = await importJWK({ ...jwk, kty: String(jwk?.kty) }, 'RS256');
  return new SignJWT(claimsOf(claims))
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: String(jwk?.kid), ...header } as { alg: string })
    .sign(key);
}

function claimsOf(changes: object): JWTPayload {
  const claims = {
    iss: provider.issuer,
    aud: audience,
    sub: 'alice',
    client_id: 'web-app',
    scope: 'openid notes.read',
    iat: now(),
    exp: now() + 60,
    ...changes,
  };
  return claims as unknown as JWTPayload;
}

async function boundToken() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const bound = await token({ cnf: { jkt: await calculateJwkThumbprint(jwk) } });
  const ath = createHash('sha256').update(bound).digest('base64url');
  const prove = (changes: JWTPayload = {}) =>
    new SignJWT({ htm: 'GET', htu: `${api.url}/`, ath, iat: now(), jti: randomUUID(), ...changes })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(privateKey);
  return { bound, prove };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
