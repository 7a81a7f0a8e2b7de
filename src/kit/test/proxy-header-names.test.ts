import { describe, expect, test } from 'vitest';
import { readApis } from '../site-apis.ts';

// `requestHeaders` and `answerHeaders` in site.ts: a name that would let something through stops the start.

const url = 'https://api.example.com';
const proxy = '/api/notes';
const problems = (notes: object) => readApis({ notes: { url, ...notes } }, ['work']).problems.join('\n');

describe('header names', () => {
  const settings = ['requestHeaders', 'answerHeaders'];

  test.each(settings)('in %s are a short list of plain names', (setting) => {
    const given = (names: unknown) => problems({ proxy, [setting]: names });
    for (const names of [[], ['X-Total-Count'], ['x-a', 'X-A', 'traceparent']]) expect(given(names)).toBe('');
    for (const names of ['X-A', 7, {}, null, true, new Set(['X-A']), Array(21).fill('X-A')])
      expect(given(names)).toContain(`needs its \`${setting}\` as a list of at most 20 header names`);
    for (const name of [
      '',
      ' ',
      'X A',
      'X_A',
      'X-A:',
      'X-A\r\nCookie',
      'ä',
      '1',
      '-a',
      '*',
      'x'.repeat(61),
      7,
      null,
      ['X-A'],
    ])
      expect(given([name])).toContain('a name has letters, digits and "-" only');
  });

  test.each(settings)('in %s need a proxy', (setting) => {
    expect(problems({ [setting]: ['X-A'] })).toContain('but no `proxy` that they could pass');
    expect(problems({ [setting]: [] })).toContain('but no `proxy`');
  });

  test.each([
    ...[
      'Authorization',
      'Proxy-Authorization',
      'X-Authorization',
      'Cookie',
      'Cookie2',
      'Set-Cookie',
      'Host',
      'DPoP',
    ],
    ...[
      'Kit-Form',
      'Baggage',
      'Origin',
      'Referer',
      'Via',
      'Forwarded',
      'X-Forwarded-For',
      'X-Forwarded',
      'X-Forwarded-Prefix',
    ],
    ...[
      'X-Original-URL',
      'X-Original-Host',
      'X-Rewrite-URL',
      'X-Real-IP',
      'X-Client-IP',
      'True-Client-IP',
      'Client-IP',
    ],
    ...[
      'X-Host',
      'X-Scheme',
      'X-URL-Scheme',
      'Front-End-HTTPS',
      'X-Originating-IP',
      'X-Cluster-Client-IP',
      'CF-Ray',
    ],
    ...[
      'X-HTTP-Method-Override',
      'X-HTTP-Method',
      'X-Method-Override',
      'X-Override-Method',
      'HTTP-Method-Override',
    ],
    ...[
      'X-User',
      'X-User-Id',
      'User',
      'Remote-User',
      'X-Remote-Groups',
      'X-Auth-Request-Email',
      'X-Authenticated-User',
    ],
    ...[
      'X-Identity',
      'X-Principal-Name',
      'X-WebAuth-User',
      'X-JWT-Assertion',
      'X-Goog-IAP-JWT-Assertion',
      'X-Email',
    ],
    ...[
      'X-Roles',
      'X-Role',
      'X-Groups',
      'X-Subject',
      'X-Consumer-Id',
      'X-Credential-Identifier',
      'Impersonate-User',
    ],
    ...[
      'X-SSL-Client-Cert',
      'SSL-Client-Verify',
      'Client-Cert',
      'X-Client-Cert',
      'X-TLS-Version',
      'X-MS-Client-Principal',
    ],
    ...[
      'X-Amzn-Oidc-Data',
      'X-Access-Token',
      'X-Id-Token',
      'Connection',
      'Keep-Alive',
      'TE',
      'Trailer',
      'Upgrade',
    ],
    ...[
      'Transfer-Encoding',
      'Content-Length',
      'Expect',
      'Proxy-Connection',
      'Sec-Fetch-Site',
      'Sec-WebSocket-Key',
    ],
  ])('%s never passes to an API', (name) => {
    for (const spelled of [name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_')])
      expect(problems({ proxy, requestHeaders: ['X-A', spelled] })).toMatch(
        /which never passes|a name has letters/,
      );
  });

  test.each([
    ...[
      'Set-Cookie',
      'Set-Cookie2',
      'Clear-Site-Data',
      'Strict-Transport-Security',
      'Access-Control-Allow-Origin',
    ],
    ...[
      'Access-Control-Expose-Headers',
      'X-Accel-Redirect',
      'X-Accel-Buffering',
      'X-Sendfile',
      'WWW-Authenticate',
    ],
    ...[
      'Proxy-Authenticate',
      'Refresh',
      'Link',
      'Alt-Svc',
      'Service-Worker-Allowed',
      'Content-Security-Policy',
    ],
    ...[
      'Content-Security-Policy-Report-Only',
      'X-Content-Type-Options',
      'X-Frame-Options',
      'Referrer-Policy',
    ],
    ...[
      'Permissions-Policy',
      'Cross-Origin-Opener-Policy',
      'Cross-Origin-Resource-Policy',
      'Cache-Control',
      'Expires',
    ],
    ...[
      'Pragma',
      'Vary',
      'Age',
      'Location',
      'Content-Location',
      'SourceMap',
      'X-SourceMap',
      'NEL',
      'Report-To',
    ],
    ...[
      'Reporting-Endpoints',
      'Speculation-Rules',
      'Accept-CH',
      'Origin-Agent-Cluster',
      'Timing-Allow-Origin',
    ],
    ...[
      'Connection',
      'Keep-Alive',
      'Transfer-Encoding',
      'Trailer',
      'Upgrade',
      'Content-Length',
      'DPoP-Nonce',
      'Server',
    ],
  ])('%s never passes to a script', (name) => {
    for (const spelled of [name, name.toLowerCase(), name.replaceAll('-', '_')])
      expect(problems({ proxy, answerHeaders: [spelled] })).toMatch(/which never passes|a name has letters/);
  });
});
