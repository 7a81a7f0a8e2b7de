import type { Reading } from './read.ts';
import type { Values } from './settings.ts';

/** Settings of the ways to the provider that are right alone and wrong together. */
export function* outbound({ values }: Pick<Reading, 'values'>): Generator<string> {
  const { OIDC_ISSUER, OIDC_INTERNAL_URL } = values;
  yield* boundTokens(values);
  yield* tls(values);
  if (OIDC_ISSUER && OIDC_INTERNAL_URL && new URL(OIDC_ISSUER).origin === OIDC_INTERNAL_URL) {
    yield 'OIDC_INTERNAL_URL has the same origin as OIDC_ISSUER: remove it.';
  }
}

function* tls(values: Values) {
  const shown = certificateShownBy(values);
  if (!shown) return;
  for (const name of ['OIDC_ISSUER', 'OIDC_INTERNAL_URL'] as const) {
    if (values[name]?.startsWith('http:'))
      yield `${shown} needs an https ${name}: a certificate is shown in TLS.`;
  }
}

/** The setting by which the app shows a certificate, if it does. */
function certificateShownBy({ OIDC_CLIENT_AUTH, OIDC_CERTIFICATE_BOUND_TOKENS: bound }: Values) {
  if (OIDC_CLIENT_AUTH?.endsWith('tls_client_auth')) return `OIDC_CLIENT_AUTH=${OIDC_CLIENT_AUTH}`;
  return bound && OIDC_CLIENT_AUTH === 'private_key_jwt' ? 'OIDC_CERTIFICATE_BOUND_TOKENS=true' : undefined;
}

/** A token is bound to one key (RFC 8705 §3, RFC 9449 §5). */
function* boundTokens({ OIDC_CLIENT_AUTH, OIDC_CERTIFICATE_BOUND_TOKENS, OIDC_DPOP }: Values) {
  if (!OIDC_CERTIFICATE_BOUND_TOKENS) return;
  if (OIDC_DPOP) {
    yield 'OIDC_CERTIFICATE_BOUND_TOKENS and OIDC_DPOP are both true: tokens are bound to the certificate or to a DPoP key. Keep one of them.';
  }
  if (OIDC_CLIENT_AUTH?.endsWith('tls_client_auth')) {
    yield `OIDC_CERTIFICATE_BOUND_TOKENS has no effect with OIDC_CLIENT_AUTH=${OIDC_CLIENT_AUTH}, which shows the certificate anyway: remove it.`;
  } else if (OIDC_CLIENT_AUTH && OIDC_CLIENT_AUTH !== 'private_key_jwt') {
    yield `OIDC_CERTIFICATE_BOUND_TOKENS needs OIDC_CLIENT_AUTH=private_key_jwt, and it is ${OIDC_CLIENT_AUTH}.`;
  }
}
