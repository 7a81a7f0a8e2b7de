import { unnamed } from './provider-names.ts';
import { readSettings } from './read.ts';

/** What a provider must be told of this app can be said before anything else is set. */
export interface PublicAddresses {
  baseUrl: string;
  providers: { name: string; named: boolean }[];
}

/** Undefined where BASE_URL is missing or wrong. */
export function publicAddresses(env: NodeJS.ProcessEnv): PublicAddresses | undefined {
  const { common, providers } = readSettings(env, {});
  const baseUrl = common.values.BASE_URL;
  if (baseUrl === undefined || providers.length === 0) return undefined;
  const all = providers.map(({ names }) => ({ name: names.provider, named: names.provider !== unnamed }));
  return { baseUrl, providers: all };
}
