import { type Metadata, usesPar } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';
import type { WarnOnce } from './warn-once.ts';

/**
 * Warns of what the settings make this app ask for although the metadata does not offer it. It is asked for anyway,
 * as metadata is often wrong. But a provider that refuses a request shows an error page of its own, and nothing of that
 * reaches our log.
 */
export function warnOfUnoffered(metadata: Metadata, settings: ProviderSettings, warnOnce: WarnOnce): void {
  const { responseMode, requestObject } = settings;
  const modes = metadata.response_modes_supported;
  if (
    responseMode === 'jwt' &&
    Array.isArray(modes) &&
    !modes.some((mode) => mode === 'jwt' || mode === 'query.jwt')
  ) {
    warnOnce(
      "the provider's metadata does not offer the response mode jwt; it is asked for anyway",
      'allow signed authorization answers (JARM) at the provider, or remove OIDC_RESPONSE_MODE=jwt',
    );
  }
  if (requestObject && !usesPar(metadata, settings) && metadata.request_parameter_supported === false) {
    warnOnce(
      "the provider's metadata does not offer signed requests; they are sent anyway",
      'switch request objects on at the provider, or set OIDC_REQUEST_OBJECT=false',
    );
  }
}
