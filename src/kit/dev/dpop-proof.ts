import { calculateJwkThumbprint, EmbeddedJWK, errors, jwtVerify } from 'jose';

/**
 * A DPoP proof for this request (RFC 9449 §4.3): the key that it proves, and the access token that it is for. Undefined
 * where it is none.
 */
export async function proofOf(
  jwt: string,
  { method, url }: { method: string; url: URL },
): Promise<{ jkt: string; ath: unknown } | undefined> {
  const options = {
    typ: 'dpop+jwt',
    maxTokenAge: 60,
    algorithms: ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
  };
  try {
    const { payload, protectedHeader } = await jwtVerify(jwt, EmbeddedJWK, options);
    const { htm, htu, ath } = payload;
    if (htm !== method || htu !== url.origin + url.pathname) return undefined;
    return { jkt: await calculateJwkThumbprint(protectedHeader.jwk ?? {}), ath };
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
