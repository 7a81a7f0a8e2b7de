import * as oidc from 'openid-client';
import { isClaimOfRequestObject } from '../config/authorization-parameters.ts';
import type { ClientKey } from './client-keys.ts';
import type { Metadata } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';

/**
 * Some servers look at the request again after the person has signed in (Duende IdentityServer, OpenIddict), so it must
 * outlive a slow login. FAPI 2.0 Message Signing allows an hour.
 */
const lifetimeSeconds = 600;

interface How {
  metadata: Metadata;
  signingKey: ClientKey | undefined;
  /** Whether it goes to the PAR endpoint; if not, the browser takes it along. */
  pushed: boolean;
  settings: Pick<ProviderSettings, 'clockToleranceSeconds'>;
}

/**
 * The parameters of an authorization request as one signed JWT (RFC 9101): all of them inside, `client_id` outside. Where
 * it is not pushed, `response_type` and `scope` are outside too, as every request must have them (OpenID Connect Core
 * §6.1). The library adds iss, aud (the issuer), iat and jti.
 */
export async function signedRequest(
  configuration: oidc.Configuration,
  parameters: URLSearchParams,
  { metadata, signingKey, pushed, settings }: How,
): Promise<URLSearchParams> {
  if (!signingKey) throw new Error('OIDC_REQUEST_OBJECT is true, and there is no client key');
  const { alg, key, kid } = await signingKey(metadata.request_object_signing_alg_values_supported);
  const signed = await oidc.buildAuthorizationUrlWithJAR(
    configuration,
    parameters,
    { key, kid },
    {
      [oidc.modifyAssertion](header, payload) {
        // By an Ed25519 key the library always writes Ed25519, also where it was to be EdDSA, the older name.
        header.alg = alg;
        payload.exp = Number(payload.iat) + lifetimeSeconds;
        // Their clock may be behind ours, and many servers then refuse the request as not valid yet.
        payload.nbf = Number(payload.iat) - settings.clockToleranceSeconds;
      },
    },
  );
  const outside = new URLSearchParams(pushed ? {} : { response_type: 'code', scope: 'openid' });
  for (const name of ['client_id', 'request']) outside.set(name, signed.searchParams.get(name) ?? '');
  return outside;
}

/**
 * Which of a link's parameters a signed request can hold. Anybody can write a link, so it must not break the sign-in:
 * `claims` and `authorization_details` are JSON inside (OpenID Connect Core §6.1; RFC 9396 §2), and the library throws
 * where they are not. Nor may a link set claims of the JWT: with the client as its `sub` it could be used as a client
 * assertion (RFC 9101 §10.8).
 */
export function signable(asked: Readonly<Record<string, string>>): {
  kept: Record<string, string>;
  left: string[];
} {
  const fits = ([name, value]: [string, string]) =>
    !isClaimOfRequestObject(name) && (!Object.hasOwn(isJson, name) || isJson[name]?.(parsed(value)) === true);
  const entries = Object.entries(asked);
  const left = entries.filter((entry) => !fits(entry)).map(([name]) => name);
  return { kept: Object.fromEntries(entries.filter(fits)), left };
}

/** How many characters a parameter adds to a signed request. */
export function lengthInRequestObject(name: string, value: string): number {
  const held = Object.hasOwn(isJson, name) ? parsed(value) : value;
  return Math.ceil((Buffer.byteLength(JSON.stringify({ [name]: held })) * 4) / 3);
}

/** The parameters that are JSON inside, and which kind of JSON. */
const isJson: Record<string, (value: unknown) => boolean> = {
  claims: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  authorization_details: Array.isArray,
};

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
