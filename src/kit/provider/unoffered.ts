import type { Metadata } from './metadata.ts';
import type { ProviderSettings } from './settings.ts';
import type { WarnOnce } from './warn-once.ts';

/**
 * What the settings have this app send, and the metadata says is not taken. It is sent all the same, as metadata is often
 * wrong; but a provider that refuses a request shows its own error page, and this app does not hear of it.
 */
export function warnOfUnoffered(metadata: Metadata, settings: ProviderSettings, warnOnce: WarnOnce): void {
  const { responseMode, requestObject, par } = settings;
  const modes = metadata.response_modes_supported;
  if (
    responseMode === 'jwt' &&
    Array.isArray(modes) &&
    !modes.some((mode) => mode === 'jwt' || mode === 'query.jwt')
  ) {
    warnOnce(
      "the provider's metadata does not offer the response mode jwt; it is asked for all the same",
      'allow signed authorization answers (JARM) at the provider, or take OIDC_RESPONSE_MODE=jwt out',
    );
  }
  const pushes = par !== 'off' && metadata.pushed_authorization_request_endpoint !== undefined;
  if (requestObject && !pushes && metadata.request_parameter_supported === false) {
    warnOnce(
      "the provider's metadata does not offer signed requests; they are sent all the same",
      'switch request objects on at the provider, or set OIDC_REQUEST_OBJECT=false',
    );
  }
}
