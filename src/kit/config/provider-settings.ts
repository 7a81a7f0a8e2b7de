import { authorizationParameters } from './authorization-parameters.ts';
import type { Definition } from './definition.ts';
import { internalOrigin } from './outbound-values.ts';
import * as is from './values.ts';

const findIssuer = 'Your provider calls it issuer or authority; its discovery document shows it.';
const register = 'Register this app at your provider as a confidential web app; it gives you the ID.';
const tenant = '11111111-2222-3333-4444-555555555555';

/** Those of which there is one for each provider (see `OIDC_PROVIDERS`). */
export const providerSettings = {
  OIDC_LABEL: {
    meaning: 'what users read instead of "sign-in service"; the issuer\'s host if not set',
    example: 'Contoso',
    ownOnly: true,
    schema: is.label,
  },
  OIDC_ISSUER: {
    ownOnly: true,
    meaning: 'the issuer URL, exactly as the provider publishes it',
    example: 'https://login.example.com',
    schema: is.issuer,
    hint: findIssuer,
  },
  OIDC_INTERNAL_URL: {
    ownOnly: true,
    meaning: 'where the server reaches the origin of OIDC_ISSUER, if users reach it elsewhere',
    example: 'http://keycloak:8080',
    schema: internalOrigin,
  },
  OIDC_CLIENT_ID: {
    ownOnly: true,
    meaning: 'the ID of this app at the provider',
    example: 'my-app',
    schema: is.text,
    hint: register,
  },
  OIDC_CLIENT_SECRET: {
    ownOnly: true,
    meaning: 'the secret of this app',
    secret: true,
    schema: is.givenSecret,
  },
  OIDC_CLIENT_AUTH: {
    default: 'client_secret_basic',
    meaning: 'how this app authenticates to the provider',
    schema: is.oneOf(
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'workload_identity',
    ),
  },
  OIDC_CLIENT_KEY_FILE: {
    ownOnly: true,
    meaning: 'the private key of this app',
    example: '/run/secrets/key.pem',
    schema: is.text,
  },
  OIDC_CLIENT_CERT_FILE: {
    ownOnly: true,
    meaning:
      'the certificate of this key; with private_key_jwt only if the provider asks for one or tokens are bound to it',
    example: '/run/secrets/cert.pem',
    schema: is.text,
  },
  OIDC_CERTIFICATE_BOUND_TOKENS: {
    default: 'false',
    meaning: 'with private_key_jwt, whether tokens are bound to the certificate (RFC 8705)',
    schema: is.yesOrNo,
  },
  OIDC_CLIENT_KEY_ALG: {
    meaning: 'the algorithm that the private key signs with; if not set, chosen by the key and the metadata',
    example: 'PS256',
    schema: is.signature,
  },
  OIDC_CLIENT_ASSERTION_FILE: {
    ownOnly: true,
    meaning: 'for workload_identity, the token that the platform provides and renews',
    example: '/var/run/secrets/tokens/oidc',
    schema: is.text,
  },
  OIDC_CLIENT_ASSERTION_AUDIENCE: {
    default: 'issuer',
    meaning: 'the audience of a client assertion: the issuer or the token endpoint',
    schema: is.oneOf('issuer', 'token_endpoint'),
  },
  OIDC_CLIENT_ASSERTION_TYP: {
    default: 'none',
    meaning: 'the typ header of a client assertion, for providers that require one',
    schema: is.assertionType,
  },
  OIDC_SCOPE: {
    default: 'openid profile email offline_access',
    meaning: 'the scopes to ask for',
    schema: is.scope,
  },
  OIDC_OFFLINE_ACCESS: {
    default: 'auto',
    meaning: 'whether to ask for offline_access only if the provider lists it (auto), or always',
    schema: is.oneOf('auto', 'always'),
  },
  OIDC_ID_TOKEN_ALG: {
    default: 'RS256',
    meaning: 'the only algorithm that ID tokens may be signed with',
    schema: is.signature,
  },
  OIDC_RESPONSE_MODE: {
    default: 'query',
    meaning: 'how the provider sends its answer to a sign-in',
    schema: is.oneOf('query', 'form_post', 'jwt'),
  },
  OIDC_REQUEST_OBJECT: {
    default: 'false',
    meaning: 'whether sign-in requests are signed with the private key (RFC 9101)',
    schema: is.yesOrNo,
  },
  OIDC_DECRYPTION_KEY_FILE: {
    ownOnly: true,
    meaning: 'the private key that opens encrypted ID tokens, userinfo and logout tokens',
    example: '/run/secrets/decryption-key.pem',
    schema: is.text,
  },
  OIDC_PAR: {
    default: 'auto',
    meaning: 'whether to use pushed authorization requests (RFC 9126)',
    schema: is.oneOf('auto', 'require', 'off'),
  },
  OIDC_USERINFO: { default: 'true', meaning: 'whether to call userinfo at each sign-in', schema: is.yesOrNo },
  OIDC_AUDIENCE: {
    meaning: 'the API to get access tokens for (Auth0)',
    example: 'https://api.example.com',
    schema: is.audience,
  },
  OIDC_RESOURCE: {
    meaning: 'the API to get access tokens for (RFC 8707)',
    example: 'https://api.example.com',
    schema: is.resource,
  },
  OIDC_PROMPT: {
    meaning: 'what the provider has to ask at every sign-in',
    example: 'select_account',
    schema: is.prompt,
  },
  OIDC_ACR_VALUES: {
    meaning: 'how strong a sign-in must be (acr)',
    example: 'urn:example:mfa',
    schema: is.acrValues,
  },
  OIDC_MAX_AGE: {
    meaning: 'how long ago users may have signed in at the provider, in seconds',
    example: '3600',
    schema: is.whole(0, 31_536_000, 'seconds'),
  },
  OIDC_UI_LOCALES: {
    meaning: "the languages of the provider's pages",
    example: 'de-CH en',
    schema: is.locales,
  },
  OIDC_AUTHORIZATION_PARAMETERS: {
    meaning: 'more parameters for every sign-in request, as the provider documents them',
    example: 'organization=acme&hd=example.com',
    schema: authorizationParameters,
  },
  OIDC_ROLES_CLAIM: {
    ownOnly: true,
    default: 'roles',
    meaning: "the claim that holds the user's roles",
    schema: is.claimPath,
  },
  OIDC_ALLOWED_TENANTS: {
    ownOnly: true,
    meaning: 'the Entra tenants whose users may sign in, or * for all of them',
    example: tenant,
    schema: is.tenants,
  },
  OIDC_STEP_UP_WITHOUT_AUTH_TIME: {
    default: 'false',
    meaning: 'whether rules with maxAgeSeconds accept a new sign-in without auth_time',
    schema: is.yesOrNo,
  },
  OIDC_CLOCK_TOLERANCE_SECONDS: {
    default: '30',
    meaning: "how far the provider's clock may be off, in seconds",
    schema: is.whole(0, 300, 'seconds'),
  },
  OIDC_DPOP: {
    default: 'false',
    meaning: 'whether tokens are bound to a key (DPoP, RFC 9449)',
    schema: is.yesOrNo,
  },
} satisfies Record<string, Definition>;
