import { createPrivateKey } from 'node:crypto';
import { type CertificateFile, readCertificate } from './certificate-file.ts';
import { type ClientKey, cannotBeRead, readKey } from './key-file.ts';
import { type Reading, readTextFile } from './read.ts';
import { definitions, type Values } from './settings.ts';

interface Credentials {
  keys: ClientKey[];
  /** For mutual TLS. One for an assertion's header is beside its key. */
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
  if (way === 'private_key_jwt') {
    return withCertificates(signingKeys(values[keyFile], values[keyAlg]), values[certFile]);
  }
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
  return ([keyFile, certFile] as const).flatMap((name) =>
    listOf(values[name])
      .filter((path) => readTextFile(path) === undefined)
      .map(() => cannotBeRead(name)),
  );
}

function listOf(setting: string | undefined): string[] {
  return setting === undefined ? [] : setting.split(',').map((path) => path.trim());
}

/** Each file of a setting that names one or two, or what is wrong with it. */
function readEach<T extends object>(
  name: string,
  setting: string | undefined,
  readOne: (path: string) => T | string,
): { found: T[]; problems: string[] } {
  const paths = listOf(setting);
  const results = paths.filter((path) => path !== '').map(readOne);
  const problems = results.filter((result) => typeof result === 'string');
  if (paths.length > 2 || paths.includes('')) {
    problems.push(`${name} must be one file, or two with a comma between them.`);
  }
  return { found: results.filter((result) => typeof result !== 'string'), problems };
}

function signingKeys(setting: string | undefined, alg: string | undefined): Credentials {
  const { found, problems } = readEach(keyFile, setting, (path) => readKey(path, { alg }));
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

/** For mutual TLS (RFC 8705): the key must be the certificate's own. */
function certificate(keyPath: string | undefined, certPath: string | undefined): Credentials {
  const key = keyPath === undefined ? undefined : readKey(keyPath, { pemOnly: true });
  const cert = certPath === undefined ? undefined : readCertificate(certPath);
  const problems = [key, cert].filter((each) => typeof each === 'string');
  if (typeof key === 'object' && typeof cert === 'object' && !belongs(cert, key)) problems.push(notTheKeys);
  return typeof key === 'object' && typeof cert === 'object' && problems.length === 0
    ? { keys: [key], cert: cert.pem, problems }
    : { keys: [], problems };
}
