import type { Config, ProviderConfig } from '../config/index.ts';

/** All settings, and the one provider that is looked at. */
export type Subject = Config & { readonly provider: ProviderConfig };
