import type { Reading } from './read.ts';

/** Settings of the ways to the provider that are right alone and wrong together. */
export function* outbound({ values }: Pick<Reading, 'values'>): Generator<string> {
  const { OIDC_ISSUER, OIDC_INTERNAL_URL, OIDC_CLIENT_AUTH = '' } = values;
  if (!OIDC_INTERNAL_URL) return;
  if (OIDC_ISSUER && new URL(OIDC_ISSUER).origin === OIDC_INTERNAL_URL) {
    yield 'OIDC_INTERNAL_URL is where OIDC_ISSUER is anyway: take it out.';
  }
  if (OIDC_INTERNAL_URL.startsWith('http:') && OIDC_CLIENT_AUTH.endsWith('tls_client_auth')) {
    yield `OIDC_CLIENT_AUTH=${OIDC_CLIENT_AUTH} needs an https OIDC_INTERNAL_URL: a certificate is shown in TLS.`;
  }
}
