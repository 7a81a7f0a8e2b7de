import type { ProviderConfig } from '../config/index.ts';
import { redirectUri } from '../provider/providers.ts';
import type { Metadata } from './discovery.ts';
import { encryptionToRegister } from './encryption.ts';
import { type Finding, ok } from './finding.ts';
import { credentialsToRegister } from './own-credentials.ts';
import { keySetToRegister } from './own-keys.ts';
import { requestAlgorithms } from './signed-requests.ts';
import type { Subject } from './subject.ts';

/** What the provider must know of this app, to copy into its registration. */
export async function toRegister(config: Subject, metadata?: Metadata): Promise<Finding[]> {
  const { baseUrl, provider } = config;
  return [
    ...addressesToRegister(baseUrl, provider),
    ...(await keySetToRegister(provider, metadata)),
    ...(await clientMetadataToRegister(provider, metadata)),
    ...(await credentialsToRegister(provider)),
  ];
}

/** For these, nothing but BASE_URL and the provider's name must be set. */
export function addressesToRegister(
  baseUrl: string,
  provider: Pick<ProviderConfig, 'name' | 'named'>,
): Finding[] {
  return [
    ok('register as redirect address', redirectUri(baseUrl, provider)),
    ok('register as post-logout address', `${baseUrl}/signed-out`),
    ok('register as back-channel logout address', `${baseUrl}/auth/backchannel-logout`),
    ok('register as front-channel logout address', `${baseUrl}/auth/frontchannel-logout`),
    ok(
      'front-channel logout',
      'register it so that iss and sid come with each call (frontchannel_logout_session_required): most browsers send no cookie of this app inside a frame of the provider.',
    ),
  ];
}

/** What else a registration must have for what is set, as OpenID Connect Registration and those after it call it. */
async function clientMetadataToRegister(
  provider: ProviderConfig,
  metadata: Metadata = {},
): Promise<Finding[]> {
  const { requestObject, responseMode, idTokenAlg, certificateBoundTokens } = provider;
  // It holds one algorithm, also while two keys sign.
  const [signsWith] = requestObject ? await requestAlgorithms(metadata, provider) : [];
  const members = {
    ...(signsWith !== undefined && {
      require_signed_request_object: true,
      request_object_signing_alg: signsWith,
    }),
    ...(responseMode === 'jwt' && { authorization_signed_response_alg: idTokenAlg }),
    ...(await encryptionToRegister(metadata, provider)),
    ...(certificateBoundTokens && { tls_client_certificate_bound_access_tokens: true }),
  };
  return Object.keys(members).length > 0 ? [ok('register as client metadata', JSON.stringify(members))] : [];
}
