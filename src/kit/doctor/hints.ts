import type { ProviderConfig } from '../config/index.ts';
import { redirectAddress } from './attempts.ts';
import { allWords, type Refusal } from './refusal.ts';
import { setRequestObject } from './signed-requests.ts';
import type { Subject } from './subject.ts';

type Rule = [
  words: RegExp,
  hint: string | ((config: Subject, settings: ProviderConfig, refusal: Refusal) => string),
];

/** Whatever was asked for. */
const general: Rule[] = [
  [/https required|ssl required/i, 'Name the provider by its https address in OIDC_ISSUER.'],
  [
    /realm.{0,20}(not enabled|disabled)/i,
    'Enable the realm at the provider, or name another one in OIDC_ISSUER.',
  ],
  [/client.{0,30}(not enabled|disabled|inactive)|disabled client/i, 'Enable this app at the provider.'],
  [
    /dpop/i,
    (_config, { dpop }) =>
      dpop
        ? 'Switch DPoP on for this app at the provider, or set OIDC_DPOP=false.'
        : 'Set OIDC_DPOP=true, or do not require DPoP for this app at the provider.',
  ],
];

/** Of a sign-in's request. */
const ofRequest: Rule[] = [
  [
    /pushed|\bpar\b|unsupported.{0,20}request_uri/i,
    (_config, { par }) =>
      par === 'off'
        ? 'Set OIDC_PAR=auto: the provider requires pushed authorization requests from this app.'
        : 'Compare the registration of this app with PAR: the provider must offer it and allow it for this app, or neither; OIDC_PAR=off does without.',
  ],
  [
    /request.?object|request_not_supported|signed request|parameter.{0,20}\brequest\b|["'`]request["'`]/i,
    (_config, { requestObject, clientKeys }, refusal) =>
      requestObject ? signedHint(refusal) : setRequestObject(clientKeys.length > 0),
  ],
  [
    /code_?challenge|code challenge|pkce|transformation/i,
    'Set the PKCE method of this app at the provider to S256: this app sends no other.',
  ],
];

/** Words that others use in passing. */
const late: Rule[] = [
  [/scope/i, 'Allow this app each scope of OIDC_SCOPE at the provider, or remove what it does not offer.'],
  [/resource|invalid_target|audience/i, 'Compare OIDC_RESOURCE and OIDC_AUDIENCE with the provider.'],
];

const flow: Rule = [
  /unauthorized_client|unsupported_response_type|unsupported_grant_type|standard flow|grant.?type|response.?type/i,
  'Allow this app the authorization code flow at the provider (Keycloak: "Standard flow").',
];

/** What to do about a refused sign-in request; undefined where nothing in the provider's words says what is wrong. */
export function requestHint(refusal: Refusal, config: Subject, settings: ProviderConfig): string | undefined {
  return find([...general, ...ofRequest, flow, ...late], refusal, config, settings);
}

/** The same for a token request, which has no say in addresses and scopes. */
export function tokenHint(refusal: Refusal, config: Subject): string | undefined {
  return find([...general, flow], refusal, config, config.provider);
}

function find(
  rules: Rule[],
  refusal: Refusal,
  config: Subject,
  settings: ProviderConfig,
): string | undefined {
  const words = allWords(refusal);
  const hint = rules.find(([pattern]) => pattern.test(words))?.[1];
  return typeof hint === 'function' ? hint(config, settings, refusal) : hint;
}

/** Where a signed request is refused. */
export function signedHint(refusal: Refusal): string {
  return refusal.error === 'invalid_request_object' || /signature|\bkeys?\b|jwks/i.test(allWords(refusal))
    ? 'Register the key set and the client metadata below at the provider (request_object_signing_alg), or set OIDC_REQUEST_OBJECT=false.'
    : 'Switch signed requests on at the provider for this app, or set OIDC_REQUEST_OBJECT=false.';
}

export function registerHint(config: Subject): string {
  return `Register exactly this redirect address: ${redirectAddress(config)}`;
}

/** Where the provider does not know the app by what it showed. */
export function clientHint({ clientAuth }: ProviderConfig): string {
  if (clientAuth.startsWith('client_secret_')) {
    return 'Check OIDC_CLIENT_ID, copy OIDC_CLIENT_SECRET again, and compare OIDC_CLIENT_AUTH with the registration.';
  }
  if (clientAuth === 'workload_identity') {
    return 'Have the provider trust this issuer, subject and audience for this app: register the federated credential below, and check OIDC_CLIENT_ID.';
  }
  return clientAuth === 'private_key_jwt'
    ? 'Register the key set below at the provider, and check OIDC_CLIENT_ID.'
    : certificateHint;
}

export const certificateHint =
  'Register the certificate in OIDC_CLIENT_CERT_FILE at the provider, and check OIDC_CLIENT_ID.';
