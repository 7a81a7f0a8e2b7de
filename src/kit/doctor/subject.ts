import type { Config, ProviderConfig } from '../config/index.ts';

/** All settings, and the one provider that is looked at. */
export type Subject = Config & { readonly provider: ProviderConfig };

/** All settings, once for each provider. */
export function subjectsOf(config: Config): Subject[] {
  return config.providers.map((provider) => ({ ...config, provider }));
}

/** The providers at other origins than the one that is looked at. Those at its own have the same operator. */
export function strangersTo({ providers, provider }: Subject): readonly ProviderConfig[] {
  const { origin } = new URL(provider.issuer);
  return providers.filter(({ issuer }) => new URL(issuer).origin !== origin);
}
