import * as oidc from 'openid-client';
import { isClaimOfRequestObject } from '../config/authorization-parameters.ts';
import type { ClientKey } from './client-keys.ts';
import type { Metadata } from './metadata.ts';

/** Long enough for a browser that is slow and clocks that differ; FAPI 2.0 Message Signing takes an hour at most. */
const lifetimeSeconds = 300;

interface How {
  metadata: Metadata;
  /** Signs, by an algorithm that the provider's metadata lists. */
  key: ClientKey | undefined;
  /**
   * By PAR. Where the browser takes it along, `response_type` and `scope` stay outside as well, for they are required of
   * every request (OpenID Connect Core §6.1).
   */
  pushed: boolean;
  /** How far the provider's clock may be behind ours. */
  clockToleranceSeconds: number;
}

/**
 * The parameters of an authorization request as one signed JWT (RFC 9101): all of them inside, `client_id` outside. The
 * library adds iss, aud (the issuer), iat, jti.
 */
export async function signedRequest(
  configuration: oidc.Configuration,
  parameters: URLSearchParams,
  { metadata, key, pushed, clockToleranceSeconds }: How,
): Promise<URLSearchParams> {
  if (!key) throw new Error('OIDC_REQUEST_OBJECT is true, and there is no client key');
  const { alg, key: privateKey, kid } = await key(metadata.request_object_signing_alg_values_supported);
  const signed = await oidc.buildAuthorizationUrlWithJAR(
    configuration,
    parameters,
    { key: privateKey, kid },
    {
      [oidc.modifyAssertion](header, payload) {
        // The library writes Ed25519 for any such key.
        header.alg = alg;
        payload.exp = Number(payload.iat) + lifetimeSeconds;
        // Many servers allow for no difference between two clocks here, and refuse what is not valid yet.
        payload.nbf = Number(payload.iat) - clockToleranceSeconds;
      },
    },
  );
  const outside = new URLSearchParams(pushed ? {} : { response_type: 'code', scope: 'openid' });
  for (const name of ['client_id', 'request']) outside.set(name, signed.searchParams.get(name) ?? '');
  return outside;
}

/**
 * What of a link's parameters a signed request can hold. Anybody can write a link, so one must not break a sign-in: these
 * two are JSON inside (OpenID Connect Core §6.1; RFC 9396 §2), and the library refuses what is not. Nor must it say whom
 * the JWT is about: with the client as its `sub` it would be a client assertion (RFC 9101 §10.8).
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

/** How much longer a parameter makes it. */
export function lengthInRequestObject(name: string, value: string): number {
  const held = Object.hasOwn(isJson, name) ? parsed(value) : value;
  return Math.ceil((Buffer.byteLength(JSON.stringify({ [name]: held })) * 4) / 3);
}

/** The parameters that are a JSON value inside, and what that must be. */
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
