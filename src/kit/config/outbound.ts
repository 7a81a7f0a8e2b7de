import type { Reading } from './read.ts';
import type { Values } from './settings.ts';

/** Settings of the ways to the provider that are right alone and wrong together. */
export function* outbound({ values }: Pick<Reading, 'values'>): Generator<string> {
  const { OIDC_ISSUER, OIDC_INTERNAL_URL } = values;
  yield* boundTokens(values);
  if (!OIDC_INTERNAL_URL) return;
  if (OIDC_ISSUER && new URL(OIDC_ISSUER).origin === OIDC_INTERNAL_URL) {
    yield 'OIDC_INTERNAL_URL is where OIDC_ISSUER is anyway: take it out.';
  }
  const shown = certificateShownBy(values);
  if (shown && OIDC_INTERNAL_URL.startsWith('http:')) {
    yield `${shown} needs an https OIDC_INTERNAL_URL: a certificate is shown in TLS.`;
  }
}

function certificateShownBy({ OIDC_CLIENT_AUTH, OIDC_CERTIFICATE_BOUND_TOKENS }: Values) {
  if (OIDC_CLIENT_AUTH?.endsWith('tls_client_auth')) return `OIDC_CLIENT_AUTH=${OIDC_CLIENT_AUTH}`;
  return OIDC_CERTIFICATE_BOUND_TOKENS ? 'OIDC_CERTIFICATE_BOUND_TOKENS=true' : undefined;
}

/** A token is bound to one key (RFC 8705 §3, RFC 9449 §5). */
function* boundTokens({ OIDC_CLIENT_AUTH, OIDC_CERTIFICATE_BOUND_TOKENS, OIDC_DPOP }: Values) {
  if (!OIDC_CERTIFICATE_BOUND_TOKENS) return;
  if (OIDC_DPOP) {
    yield 'OIDC_CERTIFICATE_BOUND_TOKENS and OIDC_DPOP are both true: tokens are bound to the certificate or to a DPoP key. Keep one of them.';
  }
  if (OIDC_CLIENT_AUTH?.endsWith('tls_client_auth')) {
    yield `OIDC_CERTIFICATE_BOUND_TOKENS has no effect with OIDC_CLIENT_AUTH=${OIDC_CLIENT_AUTH}, which shows the certificate anyway: take it out.`;
  } else if (OIDC_CLIENT_AUTH && OIDC_CLIENT_AUTH !== 'private_key_jwt') {
    yield `OIDC_CERTIFICATE_BOUND_TOKENS needs OIDC_CLIENT_AUTH=private_key_jwt, and it is ${OIDC_CLIENT_AUTH}.`;
  }
}
