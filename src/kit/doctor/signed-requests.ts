import type { ProviderConfig } from '../config/index.ts';
import { loadClientKeys } from '../provider/client-keys.ts';
import { usesPar } from '../provider/metadata.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';
import { listed } from './listed.ts';
import { listOf } from './metadata-lists.ts';

const check = 'signed requests';

/** What the metadata says about authorization requests that are signed (RFC 9101 §10.5, OpenID Connect Discovery §3). */
export async function checkSignedRequests(metadata: Metadata, provider: ProviderConfig): Promise<Finding[]> {
  if (!provider.requestObject) return [...checkUnsigned(metadata, provider)];
  const findings = [checkOffered(metadata, provider), await checkAlgorithms(metadata, provider)];
  if (provider.clientKeys.length > 1 && !usesPar(metadata, provider)) {
    findings.push(
      ok(
        check,
        'the first key in OIDC_CLIENT_KEY_FILE signs all of them: without PAR the app cannot see that the provider does not know it. Register a new key before you put it first.',
      ),
    );
  }
  return findings;
}

/** How the app signs its requests, one for each of its keys. */
export async function requestAlgorithms(metadata: Metadata, provider: ProviderConfig): Promise<string[]> {
  const keys = loadClientKeys(provider.clientKeys, provider.clientKeyAlg);
  const offered = metadata.request_object_signing_alg_values_supported;
  const algorithms = await Promise.all(keys.map(async (key) => (await key(offered)).alg));
  return [...new Set(algorithms)];
}

function* checkUnsigned(
  { require_signed_request_object }: Metadata,
  { clientKeys }: ProviderConfig,
): Generator<Finding> {
  if (require_signed_request_object !== true) return;
  yield failed(
    check,
    'the provider requires them (require_signed_request_object), and OIDC_REQUEST_OBJECT is false.',
    setRequestObject(clientKeys.length > 0),
  );
}

/** @param hasKey whether OIDC_CLIENT_KEY_FILE is set already */
export function setRequestObject(hasKey: boolean): string {
  const key = hasKey ? '' : ', and OIDC_CLIENT_KEY_FILE to a private key';
  return `Set OIDC_REQUEST_OBJECT=true${key}, and register the key set that this then prints.`;
}

function checkOffered(metadata: Metadata, provider: ProviderConfig): Finding {
  const { request_parameter_supported: offered } = metadata;
  const switchOn = 'Switch them on at the provider, or set OIDC_REQUEST_OBJECT=false.';
  if (offered === true) return ok(check, 'are offered and used.');
  // RFC 9126 §3: the PAR endpoint takes them whether or not the authorization endpoint does.
  if (usesPar(metadata, provider)) {
    return offered === undefined
      ? ok(check, 'are used. The metadata does not say that they are offered; with PAR it need not.')
      : warning(check, 'are not offered (request_parameter_supported), though PAR may take them.', switchOn);
  }
  return offered === undefined
    ? warning(
        check,
        'the metadata does not say that they are offered (request_parameter_supported), which means that they are not.',
        switchOn,
      )
    : failed(check, 'are not offered (request_parameter_supported).', switchOn);
}

async function checkAlgorithms(metadata: Metadata, provider: ProviderConfig): Promise<Finding> {
  const algorithms = await requestAlgorithms(metadata, provider);
  const { request_object_signing_alg_values_supported: supported } = metadata;
  const offered = listOf(supported);
  if (supported === undefined) {
    return ok(check, `are signed with ${listed(algorithms)}; the metadata lists no algorithms for them.`);
  }
  const missing = algorithms.filter((alg) => !offered.includes(alg));
  if (missing.length === 0) return ok(check, `are signed with ${listed(algorithms)}, which is offered.`);
  return failed(
    check,
    `are signed with ${listed(missing)}, and the metadata does not list that for them.`,
    `Set OIDC_CLIENT_KEY_ALG, or make another key, for one that it lists: ${said(offered.join(', '))}.`,
  );
}
