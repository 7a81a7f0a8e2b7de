import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type Reading, readTextFile } from './read.ts';
import { definitions, type Values } from './settings.ts';

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

const secret = 'OIDC_CLIENT_SECRET';
const keyFile = 'OIDC_CLIENT_KEY_FILE';
const certFile = 'OIDC_CLIENT_CERT_FILE';
const keyAlg = 'OIDC_CLIENT_KEY_ALG';
const assertion = ['OIDC_CLIENT_ASSERTION_AUDIENCE', 'OIDC_CLIENT_ASSERTION_TYP'] as const;

/** What each way of OIDC_CLIENT_AUTH needs, and what it has a use for beyond that. */
const ways: Record<NonNullable<Values['OIDC_CLIENT_AUTH']>, { needs: Name[]; takes?: readonly Name[] }> = {
  client_secret_basic: { needs: [secret] },
  client_secret_post: { needs: [secret] },
  client_secret_jwt: { needs: [secret], takes: assertion },
  private_key_jwt: { needs: [keyFile], takes: [keyAlg, ...assertion] },
  tls_client_auth: { needs: [keyFile, certFile] },
  self_signed_tls_client_auth: { needs: [keyFile, certFile] },
};

const all = [secret, keyFile, certFile, keyAlg, ...assertion] as const;
type Name = (typeof all)[number];

/** What a way has no use for is refused, not ignored. Every problem is found, however many there are. */
export function clientCredentials({ values, invalid }: Reading): Credentials {
  const way = values.OIDC_CLIENT_AUTH;
  if (!way) return { keys: [], problems: unreadable(values) };

  const { needs, takes = [] } = ways[way];
  const missing = needs
    .filter((name) => !values[name] && !invalid.has(name))
    .map((name) => `${name} is missing. OIDC_CLIENT_AUTH=${way} needs it.`);
  const useless = all
    .filter((name) => ![...needs, ...takes].includes(name) && isSet(name, values))
    .map((name) => `${name} has no effect with OIDC_CLIENT_AUTH=${way}: take it out.`);
  const { problems, ...credentials } = read(values, way, needs);
  return { ...credentials, problems: [...missing, ...useless, ...problems] };
}

function isSet(name: Name, values: Values): boolean {
  const value = values[name];
  return value !== undefined && value !== definitions[name].default;
}

function read(values: Values, way: string, needs: readonly Name[]): Credentials {
  if (way === 'private_key_jwt') return signingKeys(values[keyFile], values[keyAlg]);
  if (!needs.includes(certFile)) return { keys: [], problems: [] };
  const credentials = certificate(values[keyFile], values[certFile]);
  if (values.OIDC_ISSUER?.startsWith('http:')) {
    credentials.problems.push(
      `OIDC_CLIENT_AUTH=${way} needs an https OIDC_ISSUER: a certificate is shown in TLS.`,
    );
  }
  return credentials;
}

/** Without a valid OIDC_CLIENT_AUTH the files can only be checked for being readable. */
function unreadable(values: Values): string[] {
  const named = [
    ...listOf(values[keyFile]).map((path) => ({ name: keyFile, path })),
    ...(values[certFile] ? [{ name: certFile, path: values[certFile] }] : []),
  ];
  return named.filter(({ path }) => readTextFile(path) === undefined).map(({ name }) => cannotBeRead(name));
}

function cannotBeRead(name: string): string {
  return `${name} names a file that cannot be read: check path and rights.`;
}

function listOf(setting: string | undefined): string[] {
  return setting === undefined ? [] : setting.split(',').map((path) => path.trim());
}

function signingKeys(setting: string | undefined, alg: string | undefined): Credentials {
  const paths = listOf(setting);
  const results = paths.filter((path) => path !== '').map((path) => readKey(path, { alg }));
  const problems = results.filter((result) => typeof result === 'string');
  if (paths.length > 2 || paths.includes('')) {
    problems.push(`${keyFile} must be one file, or two with a comma between them.`);
  }
  return { keys: results.filter((result) => typeof result !== 'string'), problems };
}

/** For mutual TLS (RFC 8705): the key must be the certificate's own. */
function certificate(keyPath: string | undefined, certPath: string | undefined): Credentials {
  const key = keyPath === undefined ? undefined : readKey(keyPath, { pemOnly: true });
  const cert = certPath === undefined ? undefined : readTextFile(certPath);
  let parsed: X509Certificate | undefined;
  try {
    parsed = cert === undefined ? undefined : new X509Certificate(cert);
  } catch {}

  const problems: string[] = typeof key === 'string' ? [key] : [];
  if (certPath !== undefined && cert === undefined) problems.push(cannotBeRead(certFile));
  else if (cert !== undefined && !parsed)
    problems.push(`${certFile} must name a PEM file with a certificate in it.`);
  if (typeof key === 'object' && parsed && !parsed.checkPrivateKey(createPrivateKey(key.pem))) {
    problems.push(`${keyFile} and ${certFile} do not belong together: the key is not the certificate's.`);
  }
  return typeof key === 'object' && cert !== undefined && problems.length === 0
    ? { keys: [key], cert, problems }
    : { keys: [], problems };
}

/** The key, or what is wrong with it. */
function readKey(
  path: string,
  { pemOnly = false, alg: set }: { pemOnly?: boolean; alg?: string | undefined },
): ClientKey | string {
  const content = readTextFile(path);
  if (content === undefined) return cannotBeRead(keyFile);
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(content)) {
    return `${keyFile} names a key with a passphrase: store it without one, readable by this app only.`;
  }
  try {
    const jwk: unknown = content.trimStart().startsWith('{') ? JSON.parse(content) : undefined;
    if (jwk !== undefined && pemOnly)
      return `${keyFile} must name a PEM file when the client shows a certificate.`;
    const key = jwk ? createPrivateKey({ key: jwk as object, format: 'jwk' }) : createPrivateKey(content);
    const algorithms = algorithmsOf(key);
    if (!pemOnly && algorithms.length === 0) {
      return `${keyFile} must name an RSA key of at least 2048 bits, a P-256, P-384 or P-521 key or an Ed25519 key.`;
    }
    const { kid, alg } = (jwk ?? {}) as { kid?: unknown; alg?: unknown };
    const signsWith = set ?? alg;
    if (!pemOnly && signsWith !== undefined && !algorithms.some((each) => each === signsWith)) {
      return unfit(set, algorithms);
    }
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

function unfit(set: string | undefined, algorithms: readonly string[]): string {
  const fitting = algorithms.join(', ');
  return set
    ? `${keyAlg}=${set} does not fit the key in ${keyFile}, which can sign with: ${fitting}.`
    : `${keyFile} names a JWK whose "alg" does not fit its key, which can sign with: ${fitting}.`;
}

/** What a key can sign with (RFC 7518 §3.1, RFC 8037, RFC 9864); nothing where it is of another kind, or too short. */
function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa' && modulusLength >= 2048) {
    return ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512'];
  }
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519'];
  const curves: Record<string, string[]> = {
    prime256v1: ['ES256'],
    secp384r1: ['ES384'],
    secp521r1: ['ES512'],
  };
  return (asymmetricKeyType === 'ec' && curves[namedCurve]) || [];
}
