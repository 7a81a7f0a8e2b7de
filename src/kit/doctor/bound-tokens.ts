import type { ProviderConfig } from '../config/index.ts';
import type { Apis } from '../provider/index.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok, said, warning } from './finding.ts';
import type { Subject } from './subject.ts';

const check = 'certificate-bound tokens';

/** What the metadata says about tokens that are bound to the certificate of this app (RFC 8705 §3.3, §5). */
export function* checkBoundTokens(metadata: Metadata, provider: ProviderConfig): Generator<Finding> {
  if (!provider.certificateBoundTokens) return;
  const { tls_client_certificate_bound_access_tokens: offered, mtls_endpoint_aliases: aliases } = metadata;
  yield offered === true
    ? ok(check, 'are offered.')
    : warning(
        check,
        'the metadata does not offer them (tls_client_certificate_bound_access_tokens), so somebody who steals a token may be able to use it.',
        'Switch them on at the provider, for this app too, or set OIDC_CERTIFICATE_BOUND_TOKENS=false.',
      );
  const names = Object.keys(Object(aliases));
  yield names.length > 0
    ? ok(
        check,
        `the certificate is shown at the addresses that the metadata has for that (mtls_endpoint_aliases): ${said(names.join(', '))}.`,
      )
    : ok(
        check,
        'the certificate is shown at the usual addresses: the metadata has no others for it (no mtls_endpoint_aliases).',
      );
}

/** An API that is reached by plain http never sees the certificate that its tokens are bound to. */
export function* checkBoundApis({ provider }: Subject, apis: Apis): Generator<Finding> {
  if (!provider.certificateBoundTokens) return;
  for (const [name, { url, providers }] of apis) {
    if (url?.protocol !== 'http:' || !providers.includes(provider.name)) continue;
    yield warning(
      `API ${name}`,
      'is reached by plain http, where no certificate can be shown: if it checks what a token is bound to, it refuses each one.',
      'Set its `url` in site.ts to an https address.',
    );
  }
}
