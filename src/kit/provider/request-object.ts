import * as oidc from 'openid-client';
import type { ClientKey } from './client-keys.ts';
import type { Metadata } from './metadata.ts';

/** Long enough for a browser that is slow and clocks that differ; FAPI 2.0 Message Signing takes an hour at most. */
const lifetimeSeconds = 300;

/**
 * The parameters of an authorization request as one signed JWT (RFC 9101): all of them inside, `client_id` outside. The
 * library adds iss, aud (the issuer), iat, nbf, jti.
 *
 * @param pushed by PAR; where the browser takes it along, `response_type` and `scope` stay outside as well, for they are
 *   required of every request (OpenID Connect Core §6.1)
 * @param key signs, by an algorithm that the provider's metadata lists
 */
export async function signedRequest(
  configuration: oidc.Configuration,
  parameters: URLSearchParams,
  { metadata, key, pushed }: { metadata: Metadata; key: ClientKey | undefined; pushed: boolean },
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
      },
    },
  );
  const outside = new URLSearchParams(pushed ? {} : { response_type: 'code', scope: 'openid' });
  for (const name of ['client_id', 'request']) outside.set(name, signed.searchParams.get(name) ?? '');
  return outside;
}

/** How much longer a parameter makes it. */
export function lengthInRequestObject(name: string, value: string): number {
  return Math.ceil((Buffer.byteLength(JSON.stringify({ [name]: value })) * 4) / 3);
}
