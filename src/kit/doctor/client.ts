import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import type { ProviderConfig } from '../config/index.ts';
import { showsCertificate } from '../provider/client-authentication.ts';
import { usesPar } from '../provider/metadata.ts';
import { findPair, pairSettings, tryAssertion } from './assertions.ts';
import { exchangeCode, type Outcome, push, random } from './attempts.ts';
import {
  judge,
  signsAssertion,
  speaksOfCertificate,
  speaksOfRequestObject,
  type Verdict,
} from './client-answer.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { certificateHint, clientHint, tokenHint } from './hints.ts';
import { hasNoToken } from './own-credentials.ts';
import { wordsOf } from './refusal.ts';
import type { Subject } from './subject.ts';

const check = 'client authentication';

interface Checked {
  finding: Finding;
  /** What works of the settings, for the checks that follow; undefined where nothing does. */
  usable?: ProviderConfig;
}

/**
 * Does the provider know the app by what it shows, and nobody by anything else? A provider that knows the app looks at
 * the code that cannot exist; one that does not stops before it.
 */
export async function checkClient(config: Subject, metadata: Metadata): Promise<Checked> {
  const { provider } = config;
  const { clientAuth } = provider;
  if (await hasNoToken(provider)) {
    const hint = 'Fix the above, then run this again.';
    return { finding: warning(check, 'was not tried: there is no token to show.', hint) };
  }
  let answer: { outcome: Outcome; verdict: Verdict };
  if (signsAssertion(clientAuth)) {
    const first = await tryAssertion(config, provider, metadata);
    const found = await findPair(config, metadata, first);
    if (found) {
      const refused = `${refuses(provider)} (${wordsOf(first.outcome)}), but accepts another kind of assertion.`;
      return { finding: failed(check, refused, `Set ${pairSettings(found, config)}.`), usable: found };
    }
    answer = first;
  } else {
    const outcome = await exchangeCode(config, provider, metadata);
    answer = { outcome, verdict: judge(outcome, provider) };
  }
  if (answer.verdict === 'known') return { finding: await checkProof(config, metadata), usable: provider };
  if (answer.verdict === 'refused') {
    const other = await findMethod(config, metadata);
    if (other) {
      const text = `${refuses(provider)} (${wordsOf(answer.outcome)}), but accepts the same secret by ${other.clientAuth}.`;
      return { finding: failed(check, text, `Set OIDC_CLIENT_AUTH=${other.clientAuth}.`), usable: other };
    }
  }
  const finding = toFinding(answer, config);
  return answer.verdict === 'refused' ? { finding } : { finding, usable: provider };
}

function refuses({ clientId, clientAuth }: ProviderConfig): string {
  return `the provider refuses ${clientId} by ${clientAuth}`;
}

function toFinding({ outcome, verdict }: { outcome: Outcome; verdict: Verdict }, config: Subject): Finding {
  const { provider } = config;
  const words = wordsOf(outcome);
  switch (verdict) {
    case 'accepted':
      return failed(check, 'a code that does not exist was accepted.', 'Do not trust this provider.');
    case 'silent':
      return silent(outcome, provider);
    case 'not-allowed':
      return failed(
        check,
        `the provider knows ${provider.clientId}, but does not allow it the authorization code grant (${words}).`,
        'Allow this app the authorization code flow at the provider (Keycloak: "Standard flow").',
      );
    case 'refused':
      return failed(check, `${refuses(provider)} (${words}).`, refusedHint(outcome, config));
  }
  const hint = tokenHint(outcome, config);
  if (hint) return failed(check, `the provider refuses the token request (${words}).`, hint);
  return warning(
    check,
    `could not be checked: the answer to a code that does not exist does not show it (${words}).`,
    'Sign in once to see.',
  );
}

function refusedHint(outcome: Outcome, { provider }: Subject): string {
  const description = outcome.description ?? '';
  if (/disabled|not enabled|inactive/i.test(description)) return 'Enable this app at the provider.';
  if (outcome.error === 'unauthorized_client' && provider.clientAuth.startsWith('client_secret_')) {
    return `The provider says unauthorized_client where others say invalid_client (Keycloak does so for a wrong secret). ${clientHint(provider)}`;
  }
  // With private_key_jwt the key may be known, and the certificate not.
  if (showsCertificate(provider) && speaksOfCertificate(outcome)) return certificateHint;
  return clientHint(provider);
}

function silent({ code = '' }: Outcome, provider: ProviderConfig): Finding {
  const why = code && ` (${code})`;
  // Not every server says by an alert of TLS why it closes the connection.
  if (showsCertificate(provider) && /ALERT|CERTIFICATE|ECONNRESET|EPIPE/.test(code)) {
    return failed(
      check,
      `the token endpoint closes the connection${why}, as it does where it does not trust the certificate in OIDC_CLIENT_CERT_FILE.`,
      'Have the provider trust the CA that signed it, or register the certificate itself.',
    );
  }
  const hint = 'Check that a firewall lets this machine reach it.';
  return failed(check, `the token endpoint does not answer${why}.`, hint);
}

/** The same secret sent in the other way. */
async function findMethod(config: Subject, metadata: Metadata): Promise<ProviderConfig | undefined> {
  const { provider } = config;
  if (!provider.clientAuth.startsWith('client_secret_')) return undefined;
  for (const clientAuth of ['client_secret_post', 'client_secret_basic'] as const) {
    if (clientAuth === provider.clientAuth) continue;
    const settings = { ...provider, clientAuth };
    const verdict = judge(await exchangeCode(config, settings, metadata), settings);
    if (verdict === 'known' || verdict === 'not-allowed') return settings;
  }
  return undefined;
}

/** A provider that knows the app whatever it shows takes it for a public client: anybody could use its codes. */
async function checkProof(config: Subject, metadata: Metadata): Promise<Finding> {
  const { provider } = config;
  const { clientId, clientAuth } = provider;
  const stranger = await withAnotherProof(provider);
  const outcome = await exchangeCode(config, stranger, metadata);
  const accepted = ok(check, `${clientAuth} is accepted: the provider knows ${clientId}.`);
  if (judge(outcome, stranger) !== 'known') return accepted;
  // Some look at the code first. A pushed request has none.
  if (usesPar(metadata, provider) && (await refusesPushed(config, stranger))) return accepted;
  if (await looksAtCodeFirst(config, metadata, outcome, stranger)) {
    return warning(
      check,
      `could not be checked: the provider checks the code before it checks who sends it, and answers a made-up app in the same way (${wordsOf(outcome)}).`,
      'Sign in once to see.',
    );
  }
  const what = clientAuth.startsWith('client_secret_')
    ? 'secret'
    : clientAuth === 'private_key_jwt'
      ? 'key'
      : clientAuth === 'workload_identity'
        ? 'token'
        : 'certificate';
  return failed(
    check,
    `the provider does not check the ${what} of ${clientId}: it accepts a made-up one too.`,
    'Register this app as a confidential client (Keycloak: "Client authentication" on), so that it must prove who it is.',
  );
}

/** A refusal of the request object comes after the client was accepted (RFC 9126 §2.1), so it is none of the client. */
async function refusesPushed(config: Subject, stranger: ProviderConfig): Promise<boolean> {
  const outcome = await push(config, stranger);
  return outcome.state === 'refused' && !speaksOfRequestObject(outcome);
}

/** Microsoft Entra and better-auth do; who else knows a made-up app lets anybody in. */
async function looksAtCodeFirst(
  config: Subject,
  metadata: Metadata,
  { status, description = '' }: Outcome,
  stranger: ProviderConfig,
): Promise<boolean> {
  if (status !== 401 && !/\bAADSTS\d/.test(description)) return false;
  const nobody = { ...stranger, clientId: random() };
  return judge(await exchangeCode(config, nobody, metadata), nobody) === 'known';
}

async function withAnotherProof(provider: ProviderConfig): Promise<ProviderConfig> {
  const { clientAuth, clientKeys } = provider;
  if (clientAuth.startsWith('client_secret_')) return { ...provider, clientSecret: random() };
  // Nobody can sign as the platform does; a provider that checks a token does not take a secret for it either.
  if (clientAuth === 'workload_identity') {
    return { ...provider, clientAuth: 'client_secret_post', clientSecret: random() };
  }
  // Without a certificate. The key alone shows nothing in TLS, and signs requests as before.
  if (clientAuth !== 'private_key_jwt') return { ...provider, clientCert: undefined };
  const [key] = clientKeys;
  if (!key) return provider;
  const own = createPrivateKey(key.pem);
  const kid = key.kid ?? (await calculateJwkThumbprint(await exportJWK(own)));
  const pem = another(own).export({ type: 'pkcs8', format: 'pem' }).toString();
  // A certificate belongs to the key that is not used here, so none is shown in TLS.
  const bare = { clientCert: undefined, certificateBoundTokens: false };
  // By the name of the registered key, so that only the signature is wrong.
  return { ...provider, ...bare, clientKeys: [{ ...key, pem, kid }] };
}

function another({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyObject {
  if (asymmetricKeyType === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  if (asymmetricKeyType === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: asymmetricKeyDetails?.namedCurve ?? 'prime256v1' })
    .privateKey;
}
