import { decodeJwt, type JWTPayload } from 'jose';

/** The claims of a JWT that nobody has verified here; none where it cannot be read. Good for choosing, not for trusting. */
export function unverifiedClaims(jwt: string | undefined): JWTPayload {
  try {
    return decodeJwt(jwt ?? '');
  } catch {
    return {};
  }
}
