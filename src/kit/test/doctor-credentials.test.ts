import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { checkCredentials } from '../doctor/own-credentials.ts';
import { type Certificate, makeCertificate } from './helpers/certificates.ts';
import type { Asked, Server } from './helpers/doctor-provider.ts';
import { openIddict, plainServer, type Registration } from './helpers/doctor-servers.ts';
import { expectRow, type Row, runRow, stopProviders } from './helpers/doctor-table.ts';
import { makeTokenVolume, platformToken } from './helpers/platform-tokens.ts';

// What the doctor says of a client's certificate, and of a token that the platform provides.

const folder = mkdtempSync(join(tmpdir(), 'doctor-credentials-'));
const volume = makeTokenVolume();
afterEach(stopProviders);
afterAll(() => {
  rmSync(folder, { recursive: true });
  volume.remove();
});

const byToken = {
  OIDC_CLIENT_SECRET: undefined,
  OIDC_CLIENT_AUTH: 'workload_identity',
  OIDC_CLIENT_ASSERTION_FILE: volume.path,
};
const subject = 'system:serviceaccount:web:my-app';

/** Trusts the platform's tokens of one subject for one audience. */
function federated(
  app: Registration,
  { trusts = subject, answer }: { trusts?: string; answer?: string } = {},
): Server {
  const claims = ({ params }: Asked) =>
    JSON.parse(Buffer.from(params.get('client_assertion')?.split('.')[1] ?? 'e30', 'base64url').toString());
  return plainServer(app, {
    token: async (asked) => {
      const known = claims(asked).sub === trusts && asked.params.get('client_id') === app.clientId;
      if (known || !app.confidential) return { status: 400, json: { error: 'invalid_grant' } };
      const error_description = answer && `${answer} '${asked.params.get('client_assertion')}'`;
      return {
        status: answer ? 400 : 401,
        json: { error: answer ? 'invalid_request' : 'invalid_client', error_description },
      };
    },
  });
}

const fileFault = (what: string) =>
  new RegExp(
    `^✗ platform token: OIDC_CLIENT_ASSERTION_FILE: ${volume.path} ${what}.* The app reads the file again`,
  );
const notTried = /^! client authentication: was not tried: there is no token to show\. Fix the above/;

test.each<[what: string, token: string | undefined, row: Omit<Row, 'server'> & { server?: Row['server'] }]>([
  [
    'that the provider trusts: who issued it for whom, and what to register',
    platformToken({ exp: Math.floor(Date.now() / 1000) + 3_300 }),
    {
      lines: [
        /^✓ platform token: issued by https:\/\/kubernetes\.default\.svc\.cluster\.local for system:serviceaccount:web:my-app, audience https:\/\/login\.example\.com; it expires in 5[45] min\.$/,
        /^✓ client authentication: client assertions \(private_key_jwt\) are offered/,
        /^✓ client authentication: workload_identity is accepted: the provider knows web-app\.$/,
        /^✓ register as federated credential: issuer https:\/\/kubernetes\.default\.svc\.cluster\.local, subject system:serviceaccount:web:my-app, audience https:\/\/login\.example\.com$/,
      ],
      exit: 0,
    },
  ],
  [
    'that is not there',
    undefined,
    { lines: [fileFault('is not there: have the platform put'), notTried], not: /federated/, exit: 1 },
  ],
  ['that is empty', '', { lines: [fileFault('is empty'), notTried], exit: 1 }],
  ['that is no token', 'c2VjcmV0', { lines: [fileFault('contains no JWT'), notTried], exit: 1 }],
  [
    'that has expired',
    platformToken({ exp: 1_700_000_000 }),
    {
      lines: [/^✗ platform token: OIDC_CLIENT_ASSERTION_FILE: the token in .* expired \d+ h ago/, notTried],
      exit: 1,
    },
  ],
  [
    'for the cluster itself: whoever gets it may act there',
    platformToken({ aud: ['https://kubernetes.default.svc.cluster.local', 'k3s'] }),
    {
      lines: [
        /^! platform token: .*it is for the platform itself.*Have the platform issue one for the provider only/,
      ],
      exit: 0,
    },
  ],
  [
    'that never expires',
    platformToken({ exp: undefined }),
    { lines: [/^! platform token: .* never expires\. Have the platform issue one that it renews/], exit: 0 },
  ],
  [
    'of another subject than the provider trusts',
    platformToken(),
    {
      server: (app) => federated(app, { trusts: 'system:serviceaccount:web:other' }),
      lines: [
        /^✗ client authentication: the provider refuses web-app by workload_identity \(invalid_client\)\. Have the provider trust this issuer, subject and audience/,
      ],
      exit: 1,
    },
  ],
  [
    'that Microsoft Entra has no credential for, in its words and with the token in them',
    platformToken(),
    {
      server: (app) =>
        federated(app, {
          trusts: 'other',
          answer: 'AADSTS700213: No matching federated identity record found for presented assertion subject',
        }),
      lines: [
        /^✗ client authentication: the provider refuses web-app by workload_identity \(invalid_request: AADSTS700213: .*\)\. Have the provider trust/,
      ],
      exit: 1,
    },
  ],
  [
    'that nobody looks at',
    platformToken(),
    {
      app: { confidential: false },
      lines: [
        /^✗ client authentication: the provider does not check the token of web-app: it accepts a made-up one/,
      ],
      exit: 1,
    },
  ],
  [
    'at a provider that lists no assertions',
    platformToken(),
    {
      more: { metadata: { token_endpoint_auth_methods_supported: ['client_secret_basic'] } },
      server: (app, more) => ({ ...federated(app), ...more }),
      lines: [
        /^! client authentication: client assertions \(private_key_jwt\) are not offered\. Check that the provider/,
      ],
      exit: 0,
    },
  ],
])('a token %s', async (_, token, { server, ...row }) => {
  if (token === undefined) volume.clear();
  else volume.put(token);
  const parts = (token ?? '').split('.').map((part) => part.slice(0, 20));
  await expectRow({
    server: server ?? ((app) => federated(app)),
    env: byToken,
    secrets: parts.filter(({ length }) => length === 20),
    ...row,
  });
});

test('a certificate is printed as an assertion names it, beside the key set', async () => {
  const own = makeCertificate();
  const { lines } = await runRow({ server: openIddict, env: byCertificate(own) });
  const x5t = createHash('sha256').update(new X509Certificate(own.cert).raw).digest('base64url');
  expect(lines).toContain(
    `✓ register as certificate: the file in OIDC_CLIENT_CERT_FILE; as it is named in an assertion (x5t#S256): ${x5t}`,
  );
  expect(lines.some((line) => line.startsWith('✓ register as key set: '))).toBe(true);
  expect(lines).toContain(
    '✓ client certificate: the one in OIDC_CLIENT_CERT_FILE is valid until 2049-12-31.',
  );
});

test.each<[what: string, days: number, way: string, finding: object]>([
  ['has expired', -3, 'private_key_jwt', { state: 'failed', text: expect.stringMatching(/ expired on 20/) }],
  [
    'expires soon',
    12,
    'private_key_jwt',
    { state: 'warning', text: expect.stringMatching(/ in 1[12] days\.$/) },
  ],
  ['expires later', 60, 'private_key_jwt', { state: 'ok' }],
  ['has expired', -3, 'tls_client_auth', { state: 'failed', hint: expect.stringMatching(/^Get a new one/) }],
  ['expires soon', 12, 'self_signed_tls_client_auth', { state: 'warning' }],
])('a certificate that %s (%i days, %s) is pointed out', async (_, days, way, finding) => {
  const env = { ...byCertificate(makeCertificate({ days })), OIDC_CLIENT_AUTH: way };
  const [provider] = loadConfig({ ...others, ...env }).providers;
  expect(await checkCredentials(provider)).toMatchObject([{ check: 'client certificate', ...finding }]);
});

const others = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'app',
  SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
};

function byCertificate({ key, cert }: Certificate) {
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'cert.pem'), cert);
  return {
    OIDC_CLIENT_SECRET: undefined,
    OIDC_CLIENT_AUTH: 'private_key_jwt',
    OIDC_CLIENT_KEY_FILE: join(folder, 'key.pem'),
    OIDC_CLIENT_CERT_FILE: join(folder, 'cert.pem'),
  };
}
