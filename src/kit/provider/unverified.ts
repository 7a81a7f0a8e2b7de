import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';

/** The claims of a JWT that nobody has verified here; none where it cannot be read. Good for choosing, not for trusting. */
export function unverifiedClaims(jwt: string | undefined): JWTPayload {
  try {
    return decodeJwt(jwt ?? '');
  } catch {
    return {};
  }
}

/** The header of a JWT, likewise. */
export function unverifiedHeader(jwt: string): Record<string, unknown> {
  try {
    return { ...decodeProtectedHeader(jwt) };
  } catch {
    return {};
  }
}
