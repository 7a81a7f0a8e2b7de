/** Who signs in at the bench's provider: with the six protocol claims below, twelve stand on the page. */
export const profileClaims = {
  name: 'Ada Lovelace',
  given_name: 'Ada',
  family_name: 'Lovelace',
  email: 'ada.lovelace@example.com',
  zoneinfo: 'Europe/London',
  roles: ['member', 'reader'],
};

/** What the provider's ID tokens say beside it, for the server that has none. */
export function protocolClaims(issuer: string) {
  const iat = Math.floor(Date.now() / 1000);
  return { iss: issuer, sub: 'user-00000001', aud: 'bench', iat, exp: iat + 36_000, sid: 'c'.repeat(22) };
}
