import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startProxied } from './helpers/proxied.ts';

// Which headers of a request pass through `proxy`: a short list, which an API may lengthen.

/** The value of each header that a request had, by its name as it was sent. */
function sentTo({ rawHeaders }: IncomingMessage): Record<string, string> {
  const pairs: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    pairs.push([(rawHeaders[at] ?? '').toLowerCase(), rawHeaders[at + 1] ?? '']);
  return Object.fromEntries(pairs);
}

describe('a request', () => {
  const passing = {
    Accept: 'application/json;q=0.9, */*',
    'Accept-Encoding': 'gzip, br',
    'Accept-Language': 'de-CH',
    'Content-Type': 'application/merge-patch+json; charset=utf-8',
    'Content-Encoding': 'gzip',
    'Content-Language': 'de',
    'If-Match': '"7", "8"',
    'If-None-Match': 'W/"9"',
    'If-Modified-Since': 'Tue, 24 Nov 2026 10:00:00 GMT',
    'If-Unmodified-Since': 'Tue, 24 Nov 2026 10:00:01 GMT',
    'If-Range': '"7"',
    Range: 'bytes=0-9',
    Prefer: 'return=minimal',
    'Idempotency-Key': 'f81d4fae',
    'Last-Event-ID': '12',
  };

  /** Names that say who asks, from where, or what for; and what is for this app only. */
  const never = [
    ...['Authorization', 'Proxy-Authorization', 'X-Authorization', 'Cookie2', 'DPoP', 'Referer', 'Via'],
    ...[
      'Forwarded',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'X-Forwarded-User',
      'X-Real-IP',
    ],
    ...[
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-Client-IP',
      'X-Cluster-Client-IP',
      'True-Client-IP',
      'CF-Connecting-IP',
    ],
    ...[
      'X-Remote-User',
      'Remote-User',
      'X-User',
      'X-User-Id',
      'X-Auth-Request-User',
      'X-Email',
      'X-Groups',
      'X-Roles',
    ],
    ...[
      'X-WebAuth-User',
      'X-Consumer-Username',
      'Impersonate-User',
      'X-SSL-Client-Cert',
      'Client-Cert',
      'SSL-Client-S-DN',
    ],
    ...[
      'X-HTTP-Method-Override',
      'X-HTTP-Method',
      'X-Method-Override',
      'X-MS-Client-Principal',
      'X-Goog-IAP-JWT-Assertion',
    ],
    ...[
      'X-Amzn-Oidc-Data',
      'X-Accel-Redirect',
      'X-Sendfile',
      'X-Access-Token',
      'X-Id-Token',
      'Upgrade-Insecure-Requests',
    ],
    ...[
      'Sec-CH-UA',
      'Sec-GPC',
      'X-Requested-With',
      'X-Anything',
      'Cache-Control',
      'Pragma',
      'Priority',
      'Max-Forwards',
    ],
  ];

  test('keeps what an API needs, and gets the access token', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    await alice.send({ method: 'PATCH', headers: passing, body: 'abc' });
    const sent = sentTo((await api.call(1)).req);
    const kept = Object.entries(passing).map(([name, value]) => [name.toLowerCase(), value]);
    expect(sent).toMatchObject({ ...Object.fromEntries(kept), 'content-length': '3' });
    expect(sent.authorization).toMatch(/^Bearer [\w.-]+$/);
    const others = Object.keys(sent).filter((name) => !kept.some(([one]) => one === name));
    expect(others.sort()).toEqual(['authorization', 'connection', 'content-length', 'host', 'user-agent']);
    expect(sent.host).toBe(new URL(api.url).host);
  });

  test('loses all else, however it is spelled', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const spellings = (name: string) => [
      name,
      name.toUpperCase(),
      name.replaceAll('-', '_'),
      name.replace('-', '_'),
    ];
    for (const spelling of [0, 1, 2, 3]) {
      const headers = Object.fromEntries(
        never.map((name) => [spellings(name)[spelling] ?? '', 'lie-lie-lie']),
      );
      expect((await alice.send({ method: 'POST', headers })).status).toBe(200);
    }
    for (const { req } of api.calls) {
      expect(JSON.stringify(req.rawHeaders)).not.toMatch(/lie-lie|cookie|kit.form|sec.fetch|origin/i);
      expect(req.headers.authorization).toMatch(/^Bearer /);
    }
    expect(api.calls).toHaveLength(4);
  });

  test('loses what its Connection header names, but nothing that the proxy says', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const names = 'close, If-Match , authorization,content-length, Host,,x';
    await alice.send({
      method: 'PUT',
      body: 'abc',
      headers: { Connection: names, 'If-Match': '"7"', Prefer: 'a' },
    });
    const call = await api.call(1);
    await call.whole;
    expect(sentTo(call.req)).toMatchObject({ prefer: 'a', 'content-length': '3' });
    expect([call.req.headers['if-match'], call.body]).toEqual([undefined, 'abc']);
    expect(call.req.headers.authorization).toMatch(/^Bearer /);
  });

  test('has one of each, and what passes may be any text', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const twice = { Accept: ['a/b', 'c/d'], Range: ['bytes=0-1', 'bytes=2-3'], Prefer: 'ä\x80 "x"' };
    expect((await alice.send({ headers: twice })).status).toBe(200);
    const { rawHeaders, headers } = (await api.call(1)).req;
    const names = rawHeaders.filter((_each, at) => at % 2 === 0).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(headers.prefer).toBe('ä\x80 "x"');
  });

  test('keeps what the API lets pass besides', async () => {
    const { api, caller } = await startProxied({ as: { requestHeaders: ['X-Tenant', 'traceparent'] } });
    const alice = await caller();
    const headers = { 'x-tenant': 'acme', X_Tenant: 'other', 'X-Other': 'a', Traceparent: '00-ab-cd-01' };
    await alice.send({ headers });
    const sent = sentTo((await api.call(1)).req);
    expect(sent).toMatchObject({ 'x-tenant': 'acme', traceparent: '00-ab-cd-01' });
    expect(JSON.stringify(sent)).not.toContain('other');
    await alice.send({ headers: { ...headers, Connection: 'X-Tenant' } });
    expect(sentTo((await api.call(2)).req)['x-tenant']).toBeUndefined();
  });
});
