import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type Reading, readTextFile } from './read.ts';
import type { Values } from './settings.ts';

/** A private key of the client, whatever it was written as. */
export interface ClientKey {
  /** PKCS #8. */
  readonly pem: string;
  /** From a JWK that says so; a PEM file cannot. */
  readonly kid?: string;
  readonly alg?: string;
}

interface Credentials {
  keys: ClientKey[];
  cert?: string;
  problems: string[];
}

const keyFile = 'OIDC_CLIENT_KEY_FILE';
const certFile = 'OIDC_CLIENT_CERT_FILE';

/** What each way of OIDC_CLIENT_AUTH needs. What it has no use for is refused, not ignored. */
export function clientCredentials({ values, invalid }: Reading): Credentials {
  const way = values.OIDC_CLIENT_AUTH;
  if (!way) return { keys: [], problems: [] };

  const needed: (keyof Values)[] = way.startsWith('client_secret_')
    ? ['OIDC_CLIENT_SECRET']
    : way === 'private_key_jwt'
      ? [keyFile]
      : [keyFile, certFile];
  const all = ['OIDC_CLIENT_SECRET', keyFile, certFile] as const;
  const problems = all.flatMap((name) => {
    if (needed.includes(name)) {
      return values[name] || invalid.has(name)
        ? []
        : [`${name} is missing. OIDC_CLIENT_AUTH=${way} needs it.`];
    }
    return values[name] ? [`${name} has no effect with OIDC_CLIENT_AUTH=${way}: take it out.`] : [];
  });
  if (problems.length > 0 || needed.some((name) => !values[name])) return { keys: [], problems };
  if (way === 'private_key_jwt') return signingKeys(values.OIDC_CLIENT_KEY_FILE ?? '');
  if (!needed.includes(certFile)) return { keys: [], problems: [] };

  const credentials = certificate(values.OIDC_CLIENT_KEY_FILE ?? '', values.OIDC_CLIENT_CERT_FILE ?? '');
  if (values.OIDC_ISSUER?.startsWith('http:')) {
    credentials.problems.push(
      `OIDC_CLIENT_AUTH=${way} needs an https OIDC_ISSUER: a certificate is shown in TLS.`,
    );
  }
  return credentials;
}

function signingKeys(setting: string): Credentials {
  const paths = setting.split(',').map((path) => path.trim());
  if (paths.length > 2 || paths.includes('')) {
    return { keys: [], problems: [`${keyFile} must be one file, or two with a comma between them.`] };
  }
  const results = paths.map((path) => readKey(path));
  return {
    keys: results.flatMap((result) => (typeof result === 'string' ? [] : [result])),
    problems: results.filter((result) => typeof result === 'string'),
  };
}

/** For mutual TLS (RFC 8705): the key must be the certificate's own. */
function certificate(keyPath: string, certPath: string): Credentials {
  const key = readKey(keyPath, { pemOnly: true });
  const cert = readTextFile(certPath);
  let parsed: X509Certificate | undefined;
  try {
    parsed = cert === undefined ? undefined : new X509Certificate(cert);
  } catch {}

  const problems: string[] = typeof key === 'string' ? [key] : [];
  if (cert === undefined)
    problems.push(`${certFile} names a file that cannot be read: check path and rights.`);
  else if (!parsed) problems.push(`${certFile} must name a PEM file with a certificate in it.`);
  else if (typeof key !== 'string' && !parsed.checkPrivateKey(createPrivateKey(key.pem))) {
    problems.push(`${keyFile} and ${certFile} do not belong together: the key is not the certificate's.`);
  }
  return typeof key !== 'string' && cert !== undefined && problems.length === 0
    ? { keys: [key], cert, problems }
    : { keys: [], problems };
}

/** The key, or what is wrong with it. */
function readKey(path: string, { pemOnly = false } = {}): ClientKey | string {
  const content = readTextFile(path);
  if (content === undefined) return `${keyFile} names a file that cannot be read: check path and rights.`;
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(content)) {
    return `${keyFile} names a key with a passphrase: store it without one, readable by this app only.`;
  }
  try {
    const jwk: unknown = content.trimStart().startsWith('{') ? JSON.parse(content) : undefined;
    if (jwk !== undefined && pemOnly)
      return `${keyFile} must name a PEM file when the client shows a certificate.`;
    const key = jwk ? createPrivateKey({ key: jwk as object, format: 'jwk' }) : createPrivateKey(content);
    if (!pemOnly && !canSign(key)) {
      return `${keyFile} must name an RSA key of at least 2048 bits, a P-256, P-384 or P-521 key or an Ed25519 key.`;
    }
    const { kid, alg } = (jwk ?? {}) as { kid?: unknown; alg?: unknown };
    return {
      pem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      ...(typeof kid === 'string' && { kid }),
      ...(typeof alg === 'string' && { alg }),
    };
  } catch {
    const what = pemOnly ? 'a private key in PEM' : 'one private key, in PEM or as a JWK';
    return `${keyFile} must name a file with ${what}; a public key or a key set does not sign.`;
  }
}

function canSign({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  if (asymmetricKeyType === 'ec') {
    return ['prime256v1', 'secp384r1', 'secp521r1'].includes(asymmetricKeyDetails?.namedCurve ?? '');
  }
  return asymmetricKeyType === 'ed25519';
}
