import { createPrivateKey } from 'node:crypto';
import { type CertificateFile, readCertificate } from './certificate-file.ts';
import { listOf, readEach } from './file-list.ts';
import { type ClientKey, cannotBeRead, readKey } from './key-file.ts';
import { type Reading, readTextFile } from './read.ts';
import { definitions, type Values } from './settings.ts';

interface Credentials {
  keys: ClientKey[];
  /** To be shown in TLS (RFC 8705). One for an assertion's header is beside its key. */
  cert?: string;
  problems: string[];
}

const secret = 'OIDC_CLIENT_SECRET';
const keyFile = 'OIDC_CLIENT_KEY_FILE';
const certFile = 'OIDC_CLIENT_CERT_FILE';
const keyAlg = 'OIDC_CLIENT_KEY_ALG';
const assertionFile = 'OIDC_CLIENT_ASSERTION_FILE';
const assertion = ['OIDC_CLIENT_ASSERTION_AUDIENCE', 'OIDC_CLIENT_ASSERTION_TYP'] as const;

/** What each way of OIDC_CLIENT_AUTH needs, and what it has a use for beyond that. */
const ways: Record<NonNullable<Values['OIDC_CLIENT_AUTH']>, { needs: Name[]; takes?: readonly Name[] }> = {
  client_secret_basic: { needs: [secret] },
  client_secret_post: { needs: [secret] },
  client_secret_jwt: { needs: [secret], takes: assertion },
  private_key_jwt: { needs: [keyFile], takes: [certFile, keyAlg, ...assertion] },
  tls_client_auth: { needs: [keyFile, certFile] },
  self_signed_tls_client_auth: { needs: [keyFile, certFile] },
  // Its file is not looked at here: the platform may put it there later, and replaces it while the app runs.
  workload_identity: { needs: [assertionFile] },
};

const all = [secret, keyFile, certFile, keyAlg, assertionFile, ...assertion] as const;
type Name = (typeof all)[number];

/** What a way has no use for is refused, not ignored. Every problem is found, however many there are. */
export function clientCredentials({ values, invalid }: Reading): Credentials {
  const way = values.OIDC_CLIENT_AUTH;
  if (!way) return { keys: [], problems: unreadable(values) };

  const needs = needed(way, values);
  const takes = taken(way, values, invalid);
  const missing = [...needs]
    .filter(([name]) => !values[name] && !invalid.has(name))
    .map(([name, by]) => `${name} is missing. ${by} needs it.`);
  const useless = all
    .filter((name) => !needs.has(name) && !takes.includes(name) && isSet(name, values))
    .map((name) => `${name} has no effect with OIDC_CLIENT_AUTH=${way}: remove it.`);
  const { problems, ...credentials } = readFiles(values, way, needs);
  return { ...credentials, problems: [...missing, ...useless, ...problems] };
}

/** What may be set in addition. */
function taken(way: keyof typeof ways, values: Values, invalid: Reading['invalid']): readonly Name[] {
  const always = ways[way].takes ?? [];
  if (values.OIDC_REQUEST_OBJECT) return [...always, keyAlg];
  // Of a value that was refused, nobody can say whether a key is for it.
  return invalid.has('OIDC_REQUEST_OBJECT') ? [...always, keyFile, keyAlg] : always;
}

/** What must be set, each with the setting that needs it. */
function needed(way: keyof typeof ways, values: Values): Map<Name, string> {
  const { OIDC_REQUEST_OBJECT: signs, OIDC_CERTIFICATE_BOUND_TOKENS: bound } = values;
  return new Map<Name, string>([
    ...(bound && way === 'private_key_jwt'
      ? [[certFile, 'OIDC_CERTIFICATE_BOUND_TOKENS=true'] as const]
      : []),
    ...(signs ? [[keyFile, 'OIDC_REQUEST_OBJECT=true'] as const] : []),
    ...ways[way].needs.map((name) => [name, `OIDC_CLIENT_AUTH=${way}`] as const),
  ]);
}

function isSet(name: Name, values: Values): boolean {
  const value = values[name];
  return value !== undefined && value !== definitions[name].default;
}

function readFiles(values: Values, way: string, needs: ReadonlyMap<Name, string>): Credentials {
  const { OIDC_CERTIFICATE_BOUND_TOKENS: bound, OIDC_REQUEST_OBJECT: signs = false } = values;
  if (way === 'private_key_jwt') {
    const credentials = withCertificates(signingKeys(values[keyFile], values[keyAlg]), values[certFile]);
    return bound ? withShownCertificate(credentials, values) : credentials;
  }
  if (needs.has(certFile)) return keyWithCertificate(values, signs);
  return signs ? signingKeys(values[keyFile], values[keyAlg]) : { keys: [], problems: [] };
}

/** The certificate of the first key is the one that is shown in TLS (RFC 8705 §3). */
function withShownCertificate({ keys, problems }: Credentials, values: Values): Credentials {
  const [first] = keys;
  if (first?.cert) return { keys, cert: first.cert, problems };
  const isMissing = first !== undefined && values[certFile] !== undefined && problems.length === 0;
  return {
    keys,
    problems: isMissing
      ? [
          `${certFile} has no certificate of the first key in ${keyFile}, and OIDC_CERTIFICATE_BOUND_TOKENS=true shows that one: add it.`,
        ]
      : problems,
  };
}

/** Without a valid OIDC_CLIENT_AUTH the files can only be checked for being readable. */
function unreadable(values: Values): string[] {
  return ([keyFile, certFile] as const).flatMap((name) =>
    listOf(values[name])
      .filter((path) => readTextFile(path) === undefined)
      .map(() => cannotBeRead(name)),
  );
}

function signingKeys(setting: string | undefined, alg: string | undefined): Credentials {
  const { found, problems } = readEach(keyFile, setting, (path) => readKey(path, { signs: true, alg }));
  return { keys: found, problems };
}

/** Each key with the certificate that belongs to it; a key may have none. */
function withCertificates({ keys, problems }: Credentials, setting: string | undefined): Credentials {
  const { found, problems: ofCertificates } = readEach(certFile, setting, readCertificate);
  const withTheirs = keys.map((key) => {
    const own = found.filter((each) => belongs(each, key));
    if (own.length > 1)
      ofCertificates.push(`${certFile} names two certificates of one key: keep one of them.`);
    return own[0] ? { ...key, cert: own[0].pem } : key;
  });
  // Where a key could not be read, nobody can say which certificate is a stranger.
  const strangers = found.filter((each) => !keys.some((key) => belongs(each, key)));
  if (strangers.length > 0 && problems.length === 0 && keys.length > 0) ofCertificates.push(notTheKeys);
  return { keys: withTheirs, problems: [...problems, ...ofCertificates] };
}

const notTheKeys = `${keyFile} and ${certFile} do not belong together: the key is not the certificate's.`;

function belongs({ parsed }: CertificateFile, { pem }: ClientKey): boolean {
  return parsed.checkPrivateKey(createPrivateKey(pem));
}

/**
 * For mutual TLS (RFC 8705): the key must be the certificate's own.
 *
 * @param signs whether it signs request objects too
 */
function keyWithCertificate(values: Values, signs: boolean): Credentials {
  const { [keyFile]: keyPath, [certFile]: certPath, [keyAlg]: alg } = values;
  const key = keyPath === undefined ? undefined : readKey(keyPath, { signs, pemOnly: true, alg });
  const cert = certPath === undefined ? undefined : readCertificate(certPath);
  const problems = [key, cert].filter((each) => typeof each === 'string');
  if (typeof key === 'object' && typeof cert === 'object' && !belongs(cert, key)) problems.push(notTheKeys);
  return typeof key === 'object' && typeof cert === 'object' && problems.length === 0
    ? { keys: [key], cert: cert.pem, problems }
    : { keys: [], problems };
}
