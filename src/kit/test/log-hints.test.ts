import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AuthError } from '../errors/auth-error.ts';
import { clockHint, toAuthError } from '../provider/failures.ts';
import { createProviderFetch, type Unreachable } from '../provider/fetch.ts';
import { said } from '../provider/hint-text.ts';
import { networkHint } from '../provider/network-hints.ts';
import { startApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { type Certificate, makeCertificate, trust } from './helpers/certificates.ts';
import type { ProviderOptions } from './helpers/misbehaving-provider.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import { expectPlainFailure, withPair } from './helpers/misbehaving-sign-in.ts';

// The log line of a failure tells a developer what came and what to set. No page does.

interface Told {
  name: string;
  lies?: Lies;
  op?: Partial<ProviderOptions>;
  env?: Record<string, string>;
  clockAhead?: number;
  reason: string;
  hint: RegExp;
}

const now = () => Math.floor(Date.now() / 1000);
const refusing = (status: number, error: string, error_description?: string) => ({
  status,
  json: { error, error_description },
});
const challenged = (challenge: string) => ({ status: 401, headers: { 'www-authenticate': challenge } });

const told: Told[] = [
  {
    name: 'an ID token of another algorithm',
    lies: { sign: 'ES256' },
    reason: 'id_token_algorithm',
    hint: /^the ID token is signed with ES256, and OIDC_ID_TOKEN_ALG is RS256: set OIDC_ID_TOKEN_ALG=ES256, or /,
  },
  {
    name: 'an unsigned ID token',
    lies: { sign: 'none' },
    reason: 'id_token_algorithm',
    hint: /^the ID token is signed with none, and OIDC_ID_TOKEN_ALG is RS256: have the provider sign with RS256$/,
  },
  {
    name: 'an ID token signed with a shared secret',
    lies: { sign: 'HS256-secret' },
    reason: 'id_token_algorithm',
    hint: /signed with HS256, and OIDC_ID_TOKEN_ALG is RS256: have the provider/,
  },
  {
    name: 'an algorithm whose name is a novel with a line of its own',
    lies: { header: { alg: `RS256\n{"level":30}${'x'.repeat(5_000)}` } },
    reason: 'id_token_algorithm',
    hint: /^the ID token is signed with [^\n\r]{1,20}, and OIDC_ID_TOKEN_ALG is RS256: have the provider/,
  },
  {
    name: 'userinfo of another algorithm',
    lies: { userinfoSigned: 'ES256' },
    reason: 'userinfo_refused',
    hint: /^userinfo is signed with ES256, and OIDC_ID_TOKEN_ALG is RS256: .*OIDC_USERINFO=false/,
  },
  {
    name: 'an encrypted ID token',
    lies: { token: { json: { id_token: 'eyJhbGciOiJkaXIifQ.a.b.c.d' } } },
    reason: 'id_token_encrypted',
    hint: /^the ID token is encrypted: set OIDC_DECRYPTION_KEY_FILE, or have the provider send it signed and not encrypted$/,
  },
  {
    name: 'userinfo that refuses the token in its header',
    lies: { userinfo: challenged('Bearer error="invalid_token", error_description="lightweight"') },
    reason: 'userinfo_refused',
    hint: /^userinfo answered 401 \(invalid_token: lightweight\): .*OIDC_USERINFO=false/,
  },
  {
    name: 'userinfo that refuses the token in its body',
    lies: { userinfo: refusing(403, 'insufficient_scope') },
    reason: 'userinfo_refused',
    hint: /^userinfo answered 403 \(insufficient_scope\): .*OIDC_USERINFO=false/,
  },
  {
    name: 'userinfo that is not there',
    lies: { userinfo: { status: 404, json: {} } },
    reason: 'userinfo_refused',
    hint: /^userinfo answered 404$/,
  },
  {
    name: 'an acr that was not asked for',
    env: { OIDC_ACR_VALUES: 'urn:example:mfa gold' },
    lies: { idToken: { acr: 'urn:example:password' } },
    reason: 'acr_not_met',
    hint: /^acr was asked for \(urn:example:mfa gold\), and urn:example:password came$/,
  },
  {
    name: 'no acr',
    env: { OIDC_ACR_VALUES: 'urn:example:mfa' },
    lies: { idToken: { acr: undefined } },
    reason: 'acr_not_met',
    hint: /^acr was asked for \(urn:example:mfa\), and none came$/,
  },
  {
    name: 'a clock that is behind, without a Date header',
    op: { noDate: true },
    clockAhead: -600,
    reason: 'clock',
    hint: /^the provider's clock is 10 min behind$/,
  },
  {
    name: 'a clock that is ahead, without a Date header',
    op: { noDate: true },
    clockAhead: 600,
    reason: 'clock',
    hint: /the provider's clock is 10 min ahead$/,
  },
  {
    name: 'nbf in the future by a clock that is ahead, without a Date header',
    op: { noDate: true },
    clockAhead: 600,
    lies: { idToken: { nbf: now() + 600 } },
    reason: 'clock',
    hint: /^nbf is in the future: the provider's clock is 10 min ahead$/,
  },
  {
    name: 'nbf in the future by a clock that is right',
    lies: { idToken: { nbf: now() + 600 } },
    reason: 'clock',
    hint: /^nbf is in the future$/,
  },
  {
    name: 'a clock that is behind, with the Date header of a proxy whose clock is right',
    lies: { idToken: { iat: now() - 600, exp: now() - 300 } },
    reason: 'id_token_expired',
    hint: /^by iat in the ID token, the provider's clock is 10 min behind$/,
  },
  {
    name: 'a scope that is refused in the browser',
    lies: { answer: { code: undefined, error: 'invalid_scope' } },
    reason: 'provider_error',
    hint: /^invalid_scope: .*OIDC_SCOPE/,
  },
  {
    name: 'a resource that the provider does not know',
    lies: { answer: { code: undefined, error: 'invalid_target' } },
    reason: 'provider_error',
    hint: /^invalid_target: .*OIDC_RESOURCE.*`resource` of an API in site\.ts/,
  },
  {
    name: 'a scope that is refused as the request is pushed',
    op: { par: true },
    lies: { par: refusing(400, 'invalid_scope') },
    reason: 'provider_error',
    hint: /^invalid_scope: .*OIDC_SCOPE/,
  },
  {
    name: 'a scope that is refused for the code',
    lies: { token: refusing(400, 'invalid_scope') },
    reason: 'token_refused',
    hint: /^invalid_scope: .*OIDC_SCOPE/,
  },
  {
    name: 'Keycloak asked for its metadata by http',
    lies: { discovery: refusing(403, 'invalid_request', 'HTTPS required') },
    reason: 'discovery_invalid',
    hint: /"HTTPS required".*OIDC_ISSUER must be its https address/,
  },
  {
    name: 'Keycloak asked for tokens by http',
    lies: { token: refusing(403, 'invalid_request', 'HTTPS required') },
    reason: 'token_refused',
    hint: /"HTTPS required"/,
  },
  {
    name: 'nginx that expected https',
    lies: {
      discovery: {
        status: 400,
        headers: { 'content-type': 'text/html' },
        body: '<h1>400 Bad Request</h1><center>The plain HTTP request was sent to HTTPS port</center>',
      },
    },
    reason: 'discovery_invalid',
    hint: /must begin with https:/,
  },
  {
    name: 'nginx that does not know the CA of the client certificate',
    lies: {
      token: {
        status: 400,
        headers: { 'content-type': 'text/html' },
        body: '<center>The SSL certificate error</center>',
      },
    },
    reason: 'provider_answer',
    hint: /does not know the CA of OIDC_CLIENT_CERT_FILE/,
  },
  {
    name: 'the same behind a challenge, where the library reads no body',
    lies: {
      token: {
        status: 400,
        headers: { 'content-type': 'text/html', 'www-authenticate': 'Basic realm="x"' },
        body: '<center>The SSL certificate error</center>',
      },
    },
    reason: 'token_refused',
    hint: /does not know the CA of OIDC_CLIENT_CERT_FILE/,
  },
  {
    name: 'endpoints in http behind a proxy',
    lies: { discovery: { json: { token_endpoint: 'http://provider.example.com/token' } } },
    reason: 'discovery_invalid',
    hint: /^token_endpoint .* is not an https address: behind a proxy, .*X-Forwarded-Proto/,
  },
  {
    name: 'a disabled client in the answer to the browser',
    lies: {
      answer: { code: undefined, error: 'unauthorized_client', error_description: 'Client is disabled' },
    },
    reason: 'provider_error',
    hint: /^unauthorized_client: the client of OIDC_CLIENT_ID is disabled/,
  },
  {
    name: 'a disabled client at the token endpoint',
    lies: { token: refusing(401, 'invalid_client', "AADSTS7000112: Application 'x' is disabled.") },
    reason: 'token_refused',
    hint: /^invalid_client: the client of OIDC_CLIENT_ID is disabled/,
  },
  {
    name: 'a challenge with an error of its own',
    lies: { token: challenged('DPoP error="invalid_dpop_proof", error_description="too old"') },
    reason: 'token_refused',
    hint: /^invalid_client: .* answered 401 invalid_dpop_proof\)$/,
  },
  {
    name: 'metadata that is not there',
    lies: { discovery: { status: 404 } },
    reason: 'discovery_invalid',
    hint: /answered 404: check OIDC_ISSUER/,
  },
  {
    name: 'an error that nobody knows',
    lies: { answer: { code: undefined, error: `new\u202e_error ${'x'.repeat(500)}` } },
    reason: 'provider_error',
    hint: /^the provider answered error=new _error .{1,50}$/,
  },
];

describe.concurrent('the log says what came and what to do about', () => {
  for (const { name, reason, hint, lies = {}, clockAhead = 0, op, env } of told) {
    test(name, () =>
      withPair({ ...(op && { op }), ...(env && { env }), lies }, async (pair) => {
        pair.op.setClockAhead(clockAhead);
        const page = await pair.open('/profile');
        expectPlainFailure(page, pair.app);
        const [failed] = pair.app.events('sign_in.failed');
        expect(failed?.reason).toBe(reason);
        expect(failed?.hint).toMatch(hint);
        expect(page.body).not.toMatch(/OIDC_|EXTRA_CA|urn:example|ES256|HTTPS required/);
      }),
    );
  }
});

test('the error of a challenge is in the causes, as are the stable codes of the library', () =>
  withPair({}, async ({ op, app, open }) => {
    op.next({
      token: challenged('DPoP error="invalid_dpop_proof", error_description="the DPoP proof is old"'),
    });
    await open('/profile');
    op.next({ answer: { code: undefined, error: 'server_error' } });
    await open('/profile');
    const causes = JSON.stringify(app.lines.flatMap(({ causes }) => causes ?? []));
    expect(causes).toContain('"code":"OAUTH_WWW_AUTHENTICATE_CHALLENGE"');
    expect(causes).toContain('"error":"invalid_dpop_proof","error_description":"the DPoP proof is old"');
    expect(causes).toContain('"code":"OAUTH_AUTHORIZATION_RESPONSE_ERROR"');
  }));

test.each(['token', 'userinfo', 'jwks'] as const)('no hint about %s says the same words twice', (endpoint) =>
  withPair({}, async ({ op, app, open }) => {
    for (const body of ['[]', 'no JSON', '{"sub":5,"keys":5}']) {
      op.next({ [endpoint]: { body } });
      await open('/profile');
    }
    const hints = app.events('sign_in.failed').map(({ hint }) => String(hint).split(': '));
    expect(hints).toHaveLength(3);
    for (const parts of hints) expect(parts).toEqual([...new Set(parts)]);
  }),
);

describe('a connection that cannot be', () => {
  const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
  const authority = makeCertificate({ name: 'An own CA' });
  const issued = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority });
  const elsewhere = makeCertificate({ name: 'elsewhere', hosts: ['elsewhere.example.com'] });
  const client = makeCertificate({ name: 'app', issuer: makeCertificate({ name: 'Another CA' }) });
  const open: Server[] = [];
  const ends: (() => void)[] = [];
  beforeAll(() => void ends.push(trust(server), trust(elsewhere)));
  afterAll(() => {
    for (const end of ends) end();
  });
  afterEach(() => {
    for (const each of open.splice(0)) each.close();
  });

  async function listening(each: Server): Promise<number> {
    open.push(each);
    each.listen(0, 'localhost');
    await once(each, 'listening');
    return (each.address() as AddressInfo).port;
  }
  const answering = (tls?: object) =>
    tls ? createTlsServer(tls, (_req, res) => res.end('{}')) : createServer((_req, res) => res.end('{}'));

  async function hintFor(address: string, tls?: Certificate): Promise<string | undefined> {
    const { fetch, close } = createProviderFetch({ tls });
    const failure: Unreachable = await fetch(address, {}).then(
      () => Promise.reject(new Error('it answered')),
      (error) => error,
    );
    close();
    return (toAuthError(failure, 'start') as AuthError).hint;
  }

  test.each([
    ['of a CA that is not trusted', issued, /CA that is not trusted here.*EXTRA_CA_FILE/],
    ['that signed itself', makeCertificate({ name: 'self', hosts: ['localhost'] }), /EXTRA_CA_FILE/],
    ['for another name', elsewhere, /is for another name/],
  ])('because of a certificate %s', async (_, certificate, hint) => {
    const port = await listening(answering(certificate));
    expect(await hintFor(`https://localhost:${port}`)).toMatch(hint);
  });

  test('because http is spoken where https was expected, and the other way round', async () => {
    const plain = await listening(answering());
    expect(await hintFor(`https://localhost:${plain}`)).toMatch(/speaks plain http where https was expected/);
    const secure = await listening(answering(server));
    expect(await hintFor(`http://localhost:${secure}`)).toMatch(/must begin with https:\/\//);
  });

  test('because the CA of our certificate is not known there, or there is no certificate', async () => {
    const asking = { ...server, ca: [authority.cert], requestCert: true };
    const port = await listening(answering(asking));
    expect(await hintFor(`https://localhost:${port}`, client)).toMatch(
      /know the CA of OIDC_CLIENT_CERT_FILE/,
    );
    expect(await hintFor(`https://localhost:${port}`)).toMatch(/requires a client certificate/);
  });

  // Node as a server hangs up; those built on OpenSSL, Java or .NET send an alert.
  test.each([
    ['EPROTO', 'write EPROTO 40:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:..:918:'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', ''],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', ''],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', ''],
  ])('because an alert says so: %s', (code, message) => {
    const url = new URL('https://op.example.com/token');
    expect(networkHint({ code, message }, url, true)).toMatch(/refuses the client certificate/);
    expect(networkHint({ code, message }, url, false)).toMatch(/requires a client certificate/);
  });

  test('is in the log as the app starts, and on no page', async () => {
    const port = await listening(answering(issued));
    const app = await startApp({
      OIDC_ISSUER: `https://localhost:${port}`,
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_SECRET: 'the-secret-of-the-client',
    });
    const page = await createBrowser().get(app.url('/profile'));
    const hint = expect.stringMatching(/EXTRA_CA_FILE/);
    expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'provider_unreachable', hint }]);
    expect(app.lines.filter(({ msg }) => msg.includes('metadata could not be loaded'))[0]).toMatchObject({
      hint,
    });
    expect([page.status, page.body.includes('EXTRA_CA')]).toEqual([503, false]);
    await app.stop();
  });
});

describe('what a provider says, in a hint', () => {
  test('is short and on one line', () => {
    expect(said('x y '.repeat(1000))).toHaveLength(60);
    expect(said('a\r\nb\u2028c\u0085d\u202ee\u0000f')).toBe('a  b c d e f');
  });

  test.each([
    'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.s3cr3t',
    'code=SlAV32hkKG is not valid',
    'refresh_token: "SlAV32hkKG"',
    'code: SlAV32hkKG',
    '{"access_token":"SlAVabc"}',
    'Bearer SlAV32hkKG',
    'the token SlAV32hkKG9zQxSlAV32hkKG9zQxSlAV32',
  ])('holds nothing secret: %s', (words) => expect(said(words, 200)).not.toMatch(/SlAV|s3cr3t|eyJ/));

  test.each([
    'unmet_authentication_requirements',
    'invalid_token: Token is not active',
    'DPoP proof is missing',
  ])('stays readable: %s', (words) => expect(said(words)).toBe(words));
});

test('a clock that is right is no news, and one that is off is given in seconds or minutes', () => {
  expect(clockHint(-45)).toBe("the provider's clock is 45 s behind");
  expect(clockHint(300)).toBe("the provider's clock is 5 min ahead");
});
