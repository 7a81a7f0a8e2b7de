import { describe, expect, test } from 'vitest';
import { expectInert, proxyPath, startProxied } from './helpers/proxied.ts';

// Which headers of an API's answer pass through `proxy`: a short list, which an API may lengthen.

describe('an answer', () => {
  const passing = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Language': 'de',
    'Content-Disposition': 'attachment; filename="a.json"',
    ETag: 'W/"7"',
    'Last-Modified': 'Tue, 24 Nov 2026 10:00:00 GMT',
    'Accept-Ranges': 'bytes',
    'Content-Range': 'bytes 0-1/2',
    'Retry-After': '7',
    Allow: 'GET, PUT',
    'Preference-Applied': 'return=minimal',
  };

  const lies: Record<string, string | string[]> = {
    'Set-Cookie': ['session=a; Path=/', '__Host-session=b'],
    'Clear-Site-Data': '"*"',
    'Strict-Transport-Security': 'max-age=0',
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': '*',
    'X-Accel-Redirect': '/secret',
    'X-Accel-Buffering': 'untrue',
    'X-Accel-Expires': '60',
    'X-Sendfile': '/etc/passwd',
    'WWW-Authenticate': 'Basic realm="untrue"',
    'Proxy-Authenticate': 'Basic',
    Refresh: '0; url=https://other.example.com',
    Link: '</untrue>; rel=preload',
    'Alt-Svc': 'h3=":443"',
    'Service-Worker-Allowed': '/',
    'Content-Security-Policy': "default-src *; script-src 'unsafe-inline' untrue",
    'Content-Security-Policy-Report-Only': 'untrue',
    'Cache-Control': 'public, max-age=31536000',
    Expires: 'Tue, 24 Nov 2099 10:00:00 GMT',
    Pragma: 'untrue',
    Vary: 'untrue',
    Age: '9',
    'X-Content-Type-Options': 'untrue',
    'X-Frame-Options': 'ALLOWALL',
    'Referrer-Policy': 'unsafe-url',
    'Permissions-Policy': 'camera=*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Cross-Origin-Opener-Policy': 'unsafe-none',
    'Cross-Origin-Embedder-Policy': 'untrue',
    'Origin-Agent-Cluster': '?0',
    'Timing-Allow-Origin': '*',
    SourceMap: '/untrue.map',
    'Report-To': '{}',
    NEL: '{}',
    'Reporting-Endpoints': 'untrue="https://other.example.com"',
    'Speculation-Rules': '"/untrue.json"',
    'Accept-CH': 'untrue',
    'DPoP-Nonce': 'untrue',
    Authorization: 'Bearer untrue',
    Server: 'untrue',
    Via: '1.1 untrue',
    'X-Powered-By': 'untrue',
    'X-Anything': 'untrue',
    'Content-Location': '/untrue',
    Upgrade: 'h2c',
    'Set-Login': 'logged-in',
    'X-Request-Id': 'untrue',
  };

  test.each([200, 206, 304, 401, 403, 404, 422, 500, 503])(
    'keeps with status %i what scripts need, and nothing that speaks to the browser about this site',
    async (status) => {
      const { app, caller } = await startProxied({
        answer: (_req, res) => res.writeHead(status, { ...passing, ...lies }).end(status === 304 ? '' : '{}'),
      });
      const alice = await caller();
      const own = (await app.fetch('/healthz')).headers;
      const { status: answered, headers } = await alice.send();
      expect(answered).toBe(status);
      expectInert({ headers });
      for (const [name, value] of Object.entries(passing)) expect(headers[name.toLowerCase()]).toBe(value);
      expect(JSON.stringify(headers)).not.toMatch(/untrue|passwd|secret|unsafe-inline|other\.example/);
      for (const name of Object.keys(lies).map((each) => each.toLowerCase())) {
        if (/^(content-security-policy|cache-control|x-content-type-options|vary)$/.test(name)) continue;
        // What is still there is this app's own.
        expect(headers[name] ?? null, name).toBe(own.get(name));
      }
    },
  );

  test('loses what its Connection header names', async () => {
    const { caller } = await startProxied({
      answer: (_req, res) =>
        res
          .writeHead(200, {
            Connection: 'close, ETag,content-type',
            ETag: '"7"',
            'Content-Type': 'text/html',
          })
          .end('a'),
    });
    const { headers } = await (await caller()).send();
    expect([headers.etag, headers['content-type']]).toEqual([undefined, 'application/octet-stream']);
  });

  test('keeps what the API lets pass besides', async () => {
    const { caller } = await startProxied({
      as: { answerHeaders: ['X-Total-Count'] },
      answer: (_req, res) =>
        res.writeHead(200, { 'x-total-count': '7', 'X-Other': '8', X_Total_Count: '9' }).end(),
    });
    const { headers } = await (await caller()).send();
    expect([headers['x-total-count'], headers['x-other'], headers.x_total_count]).toEqual([
      '7',
      undefined,
      undefined,
    ]);
  });

  test.each([
    ['/v1/8', `${proxyPath}/8`],
    ['8', `${proxyPath}/deep/8`],
    ['?a=b', `${proxyPath}/deep/?a=b`],
    ['../8?c=d#e', `${proxyPath}/8?c=d`],
    ['/v1', proxyPath],
    ['/v1/', `${proxyPath}/`],
    ['..', `${proxyPath}/`],
    ['/v1/\xfc', `${proxyPath}/%C3%BC`],
    ['//[api]/v1/8', `${proxyPath}/8`],
    ['http://[api]/v1/8?a=b', `${proxyPath}/8?a=b`],
    ...[
      ...['/', '/v2/8', '/v1x', '/v11/8', '../..', '../../x', '/v1/../v2', '/v1/%2e%2e/v2', '/v1/%2E./v2'],
      ...[
        '/v1/..%2fv2',
        '/v1/..%5cv2',
        '/v1/%252e%252e/v2',
        '/v1//x',
        '/v1/%2fother.example.com',
        '/v1/..;/x',
      ],
      ...[
        '//other.example.com/v1/8',
        'https://other.example.com/v1/8',
        '\\\\other.example.com/v1',
        '/\\other.example.com',
      ],
      ...[
        'http://user@[api]/v1/8',
        'http://user:secret@[api]/v1/8',
        'https://[api]/v1/8',
        'http://127.0.0.1:1/v1/8',
      ],
      ...[
        'javascript:alert(1)',
        'data:text/html,x',
        'http://',
        'http:////',
        `/v1/${'a'.repeat(2_000)}`,
        '[own]/profile',
      ],
    ].map((location): [string, undefined] => [location, undefined]),
  ])('that leads to %j leads the script to %j', async (location, expected) => {
    for (const status of [201, 302, 307]) {
      const proxied = await startProxied();
      const real = location.replace('[api]', new URL(proxied.api.url).host).replace('[own]', proxied.app.url);
      proxied.api.now((_req, res) => res.writeHead(status, { Location: real }).end());
      const answer = await (await proxied.caller()).send({ path: `${proxyPath}/deep/` });
      expect([answer.status, answer.headers.location]).toEqual([status, expected]);
    }
  });
});
