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
    for (const header of [undefined, 'Bearer', 'Bearer ', 'Basic YTpi', 'eyJhbGciOiJSUzI1NiJ9']) {
      const answer = await ask(header);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(answer.headers.get('content-type')).toMatch('application/problem+json');
      expect(await answer.json()).toEqual({
        ...{ title: 'Unauthorized', status: 401, detail: 'An access token is needed' },
      });
    }
  });

  it.each([
    ['of another issuer', { iss: 'https://evil.example' }, "The issuer 'https://evil.example' is invalid"],
    [
      'for another API',
      { aud: ['https://a.example', 'https://b.example'] },
      "The audience 'https://a.example, https://b.example' is invalid",
    ],
    ['for this API with a slash', { aud: `${audience}/` }, `The audience '${audience}/' is invalid`],
    ['without an audience', { aud: undefined }, "The audience 'empty' is invalid"],
    ['that never expires', { exp: undefined }, 'The token has no expiration'],
    ['that has expired', { exp: 1_764_079_200 }, "The token expired at '11/25/2025 14:00:00'"],
    ['that is not valid yet', { nbf: 4_102_444_800 }, "The token is not valid before '01/01/2100 00:00:00'"],
    [
      'with an audience that is no part of a header',
      { aud: 'x" evil="1\r\nSet-Cookie: a=b é' },
      String.raw`The audience 'x\" evil=\"1??Set-Cookie: a=b ?' is invalid`,
    ],
  ])('refuses a token %s in the words of AddJwtBearer', async (_what, claims: object, words) => {
    const answer = await ask(`Bearer ${await token(claims)}`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="invalid_token", error_description="${words}"`,
    );
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  it.each([
    ['of nobody', { sub: undefined }, {}],
    ['that is an ID token', {}, { typ: 'JWT' }],
    ['that says nothing of its type', {}, { typ: undefined }],
  ])(
    'refuses a token %s, for which AddJwtBearer has no words',
    async (_what, claims: object, header: Header) => {
      const answer = await ask(`Bearer ${await token(claims, header)}`);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
      expect(await answer.json()).toMatchObject({ error: 'invalid_token' });
    },
  );

  it('lets clocks be five minutes apart, or what it is told', async () => {
    expect((await ask(`Bearer ${await token({ exp: now() - 280 })}`)).status).toBe(200);
    expect((await ask(`Bearer ${await token({ exp: now() - 310 })}`)).status).toBe(401);
    expect((await ask(`Bearer ${await token({ nbf: now() + 280 })}`)).status).toBe(200);
    expect((await ask(`Bearer ${await token({ nbf: now() + 310 })}`)).status).toBe(401);
    const exact = await startApi({ issuer: provider.issuer, audience, clockSkewSeconds: 0 });
    const headers = { authorization: `Bearer ${await token({ exp: now() - 2 })}` };
    expect((await fetch(exact.url, { headers })).status).toBe(401);
    await exact.stop();
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
    const symmetric = await new SignJWT(claimsOf({}))
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: String(provider.jwks.keys[0]?.kid) })
      .sign(Buffer.from(JSON.stringify(provider.jwks.keys[0])));
    const bad = [
      [`${none}.${payload}.`, 'The signature is invalid'],
      [forged, 'The signature is invalid'],
      [symmetric, 'The signature is invalid'],
      [`${header}.${changed}.${signature}`, 'The signature is invalid'],
      [await token({}, { kid: 'unknown' }), 'The signature key was not found'],
      ['not-a-jwt', undefined],
      ['a b', undefined],
      [`${good} ${good}`, undefined],
      [`${good}, Bearer ${good}`, undefined],
    ];
    for (const [each, words] of bad) {
      const answer = await ask(`Bearer ${each}`);
      expect(answer.status, each).toBe(401);
      const description = words ? `, error_description="${words}"` : '';
      expect(answer.headers.get('www-authenticate')).toBe(`Bearer error="invalid_token"${description}`);
    }
  });

  it('reads with notes.read, writes with notes.write, and names the scope that is missing', async () => {
    const json = { 'content-type': 'application/json' };
    const send = async (scope: string | undefined, method: string) => {
      const headers = { authorization: `Bearer ${await token({ scope })}`, ...json };
      const body = method === 'GET' ? null : '{"text":"Milk"}';
      return fetch(`${api.url}/notes`, { method, headers, body });
    };
    for (const [scope, method, missing] of [
      ['openid profile', 'GET', 'notes.read'],
      [undefined, 'GET', 'notes.read'],
      ['notes.write', 'GET', 'notes.read'],
      ['notes.read notes.writer', 'POST', 'notes.write'],
    ] as const) {
      const answer = await send(scope, method);
      expect(answer.status).toBe(403);
      expect(answer.headers.get('www-authenticate')).toBe(
        `Bearer error="insufficient_scope", error_description="This needs the scope ${missing}", scope="${missing}"`,
      );
      expect(await answer.json()).toMatchObject({ status: 403, error: 'insufficient_scope' });
    }
    expect((await send('openid notes.read', 'GET')).status).toBe(200);
    expect((await send('notes.write', 'POST')).status).toBe(201);
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
