import type { Config, ProviderConfig } from '../config/index.ts';

/** All settings, and the one provider that is looked at. */
export type Subject = Config & { readonly provider: ProviderConfig };

/** All settings, once for each provider. */
export function subjectsOf(config: Config): Subject[] {
  return config.providers.map((provider) => ({ ...config, provider }));
}

/** The providers beside the one that is looked at. */
export function othersOf({ providers, provider }: Subject): readonly ProviderConfig[] {
  return providers.filter(({ name }) => name !== provider.name);
}
