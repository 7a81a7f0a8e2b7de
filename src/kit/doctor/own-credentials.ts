import { X509Certificate } from 'node:crypto';
import type { ProviderConfig } from '../config/index.ts';
import type { AuthError } from '../errors/auth-error.ts';
import { type PlatformToken, readPlatformToken } from '../provider/index.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';

// What this app shows about itself besides a secret: certificates that end, and a token of its platform.

const soonDays = 30;
const dayMs = 86_400_000;

/** Whether they can still be used, and what the provider has to know of them. */
export async function checkCredentials(provider: ProviderConfig): Promise<Finding[]> {
  const certificates = certificatesOf(provider).map((one) => checkCertificate(one));
  return [...certificates, ...(await checkPlatformToken(provider))];
}

export async function credentialsToRegister(provider: ProviderConfig): Promise<Finding[]> {
  const certificates = certificatesOf(provider).map((one) =>
    ok(
      'register as certificate',
      `the file in OIDC_CLIENT_CERT_FILE; as it is named in an assertion (x5t#S256): ${thumbprintOf(one)}`,
    ),
  );
  const token = await platformTokenOf(provider);
  if (!token || token instanceof Error) return provider.clientAuth === 'private_key_jwt' ? certificates : [];
  const { iss, sub, aud } = token.claims;
  return [
    ok(
      'register as federated credential',
      `issuer ${said(iss)}, subject ${said(sub)}, audience ${said([aud].flat().join(', '))}`,
    ),
  ];
}

/** What is wrong with the platform's token, where the app is to show one: then there is nothing to try at the provider. */
export async function hasNoToken(provider: ProviderConfig): Promise<boolean> {
  return (await platformTokenOf(provider)) instanceof Error;
}

function certificatesOf({ clientCert, clientKeys }: ProviderConfig): X509Certificate[] {
  // A set, as the one that is shown in TLS may be that of the first key.
  const pems = new Set([clientCert, ...clientKeys.map(({ cert }) => cert)]);
  return [...pems].filter((pem) => pem !== undefined).map((pem) => new X509Certificate(pem));
}

function thumbprintOf({ fingerprint256 }: X509Certificate): string {
  return Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}

function checkCertificate({ validFromDate, validToDate }: X509Certificate): Finding {
  const check = 'client certificate';
  const [from, to] = [validFromDate, validToDate].map((date) => date.toISOString().slice(0, 10));
  const days = Math.floor((validToDate.getTime() - Date.now()) / dayMs);
  const renew = 'Get a new one, register it at the provider, and name it in OIDC_CLIENT_CERT_FILE.';
  if (days < 0) return failed(check, `the one in OIDC_CLIENT_CERT_FILE expired on ${to}.`, renew);
  if (validFromDate.getTime() > Date.now()) {
    return failed(
      check,
      `the one in OIDC_CLIENT_CERT_FILE is valid from ${from} on.`,
      'Check the clock of this machine, or use the previous one until then.',
    );
  }
  if (days < soonDays) {
    return warning(check, `the one in OIDC_CLIENT_CERT_FILE expires on ${to}, in ${days} days.`, renew);
  }
  return ok(check, `the one in OIDC_CLIENT_CERT_FILE is valid until ${to}.`);
}

async function platformTokenOf(provider: ProviderConfig): Promise<PlatformToken | AuthError | undefined> {
  const { clientAuth, clientAssertionFile = '', clockToleranceSeconds } = provider;
  if (clientAuth !== 'workload_identity') return undefined;
  return readPlatformToken(clientAssertionFile, clockToleranceSeconds).catch((error: AuthError) => error);
}

/** Its claims are not secret, as they are registered at the provider; the token is. */
async function checkPlatformToken(provider: ProviderConfig): Promise<Finding[]> {
  const check = 'platform token';
  const token = await platformTokenOf(provider);
  if (!token) return [];
  if (token instanceof Error) {
    return [failed(check, `${token.hint}.`, 'The app reads the file again at each use.')];
  }
  const { iss, sub, exp } = token.claims;
  const audiences = [token.claims.aud ?? []].flat();
  const who = `issued by ${said(iss ?? 'nobody')} for ${said(sub ?? 'nobody')}, audience ${said(audiences.join(', ') || 'none')}`;
  if (
    audiences.some((audience) => audience === iss || /^https:\/\/kubernetes\.default\.svc/.test(audience))
  ) {
    return [
      warning(
        check,
        `the one in OIDC_CLIENT_ASSERTION_FILE is ${who}: it is for the platform itself, where anybody who gets it can act as this app.`,
        'Have the platform issue one for the provider only (Kubernetes: a projected serviceAccountToken with its own audience).',
      ),
    ];
  }
  if (exp === undefined) {
    return [
      warning(
        check,
        `the one in OIDC_CLIENT_ASSERTION_FILE is ${who}, and never expires.`,
        'Have the platform issue one that it renews: this one is a secret that somebody keeps.',
      ),
    ];
  }
  const minutes = Math.max(Math.round((exp - Date.now() / 1000) / 60), 0);
  return [ok(check, `${who}; it expires in ${minutes} min.`)];
}
