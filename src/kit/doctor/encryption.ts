import type { ProviderConfig } from '../config/index.ts';
import { publicPemOf } from '../config/key-file.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok, said, warning } from './finding.ts';
import { listed } from './listed.ts';
import { listOf } from './metadata-lists.ts';
import { decryptionJwks } from './own-keys.ts';

const check = 'encryption';

/** What the app opens, the best first. Every JWE library has the last one (RFC 7518 §5.1). */
const contents = ['A256GCM', 'A128GCM', 'A128CBC-HS256'];

const kinds = [
  { what: 'ID tokens', prefix: 'id_token' },
  { what: 'userinfo', prefix: 'userinfo' },
] as const;

/** What the provider can encrypt for this app, and whether the app's keys are good for that. */
export async function checkEncryption(metadata: Metadata, provider: ProviderConfig): Promise<Finding[]> {
  const { decryptionKeys } = provider;
  if (decryptionKeys.length === 0) return [];
  const keys = await decryptionJwks(provider);
  return [...checkOffered(metadata, provider, keys), ...checkKeys(provider, keys)];
}

/** The client metadata by which the provider encrypts for this app. What it does not offer is left out. */
export async function encryptionToRegister(metadata: Metadata, provider: ProviderConfig) {
  const keys = await decryptionJwks(provider);
  const members = wanted(provider).flatMap(({ prefix }): [string, string][] => {
    const { alg, enc } = fitting(metadata, prefix, keys);
    if (alg === undefined || enc === undefined) return [];
    return [
      // What is encrypted and not signed is refused.
      ...(prefix === 'userinfo'
        ? [['userinfo_signed_response_alg', provider.idTokenAlg] satisfies [string, string]]
        : []),
      [`${prefix}_encrypted_response_alg`, alg],
      [`${prefix}_encrypted_response_enc`, enc],
    ];
  });
  return Object.fromEntries(keys.length > 0 ? members : []);
}

type Keys = Awaited<ReturnType<typeof decryptionJwks>>;
type Prefix = (typeof kinds)[number]['prefix'];

function wanted({ userinfo }: ProviderConfig) {
  return kinds.filter(({ prefix }) => prefix !== 'userinfo' || userinfo);
}

function offers(metadata: Metadata, prefix: Prefix) {
  return {
    algs: metadata[`${prefix}_encryption_alg_values_supported`],
    encs: metadata[`${prefix}_encryption_enc_values_supported`],
  };
}

/** The first of each that both sides have. */
function fitting(metadata: Metadata, prefix: Prefix, keys: Keys) {
  const { algs, encs } = offers(metadata, prefix);
  return {
    alg: keys.map(({ alg }) => alg).find((alg) => listOf(algs).includes(alg)),
    // Where none are listed: A128CBC-HS256, the default of a registration (OpenID Connect Registration §2).
    enc: encs === undefined ? contents.at(-1) : contents.find((enc) => listOf(encs).includes(enc)),
  };
}

function checkOffered(metadata: Metadata, provider: ProviderConfig, keys: Keys): Finding[] {
  const [some, none] = [true, false].map((there) =>
    wanted(provider).filter(({ prefix }) => (offers(metadata, prefix).algs !== undefined) === there),
  );
  if (!some?.length) {
    return [
      warning(
        check,
        'the metadata offers no encryption, so OIDC_DECRYPTION_KEY_FILE is of no use.',
        'Switch it on at the provider, or remove the setting.',
      ),
    ];
  }
  return [
    ...some.map((kind) => checkKind(kind, metadata, keys)),
    ...(none ?? []).map(({ what }) => ok(check, `${what}: not offered.`)),
  ];
}

function checkKind({ what, prefix }: (typeof kinds)[number], metadata: Metadata, keys: Keys): Finding {
  const { algs, encs } = offers(metadata, prefix);
  const { alg, enc } = fitting(metadata, prefix, keys);
  if (alg === undefined) {
    const offered = listOf(algs);
    const others = ['RSA-OAEP-256', 'ECDH-ES'].filter((each) => offered.includes(each));
    const kind = others[0] === 'ECDH-ES' ? 'a P-256' : 'an RSA';
    return warning(
      check,
      `${what}: the provider offers ${said(offered.join(', ') || 'nothing')}, and the key in OIDC_DECRYPTION_KEY_FILE is for ${listed([...new Set(keys.map((key) => key.alg))])}.`,
      others.length > 0
        ? `Make ${kind} key for ${others[0]}.`
        : 'Have the provider offer RSA-OAEP-256 or ECDH-ES: the app accepts nothing else.',
    );
  }
  if (enc === undefined) {
    return warning(
      check,
      `${what}: the provider offers ${said(listOf(encs).join(', ') || 'nothing')} for the content, none of which the app can open.`,
      `Have the provider offer one of ${contents.join(', ')}.`,
    );
  }
  const signed = prefix === 'userinfo' ? ', and userinfo_signed_response_alg, as it must be signed too' : '';
  return ok(
    check,
    `${what}: ${alg} with ${enc} is offered. The provider encrypts once ${prefix}_encrypted_response_alg and ${prefix}_encrypted_response_enc are registered for this app${signed}.`,
  );
}

function* checkKeys({ decryptionKeys, clientKeys }: ProviderConfig, keys: Keys): Generator<Finding> {
  const signing = clientKeys.map(({ pem }) => publicPemOf(pem));
  if (decryptionKeys.some(({ pem }) => signing.includes(publicPemOf(pem)))) {
    yield warning(
      check,
      'a key in OIDC_DECRYPTION_KEY_FILE is in OIDC_CLIENT_KEY_FILE too.',
      'Make one for encryption alone: a key should not be used for both (RFC 7517 §4.2).',
    );
  }
  const [first, second] = keys;
  if (!first || !second) return;
  yield ok(
    check,
    `there are two keys, ${first.kid} and ${second.kid}, in the order of OIDC_DECRYPTION_KEY_FILE, and the app opens what is encrypted for either. Register the new one in place of the old one, and remove the old one once the provider no longer uses it.`,
  );
}
