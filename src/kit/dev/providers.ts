import { type Account, accountsWithRoles, socialAccounts } from './accounts.ts';

/** One of the identity providers of `npm run dev`. */
export interface DevProvider {
  /** As in OIDC_PROVIDERS. */
  name: DevProviderName;
  /** What people read. */
  label: string;
  /** Who can sign in there, as the console says. */
  people: string;
  /** Whether its users have roles, and access tokens for the sample API. */
  full: boolean;
  accounts: (env: NodeJS.ProcessEnv) => readonly Account[];
}

export type DevProviderName = 'work' | 'social';

const all: readonly DevProvider[] = [
  {
    name: 'work',
    label: 'Work (development)',
    people: 'accounts with roles: alice (role admin), bob (role member), carol (cancels) and others',
    full: true,
    accounts: (env) => accountsWithRoles(env.DEV_ROLES),
  },
  {
    name: 'social',
    label: 'Social (development)',
    people: 'accounts without roles: alice (another user than at work), peggy and others',
    full: false,
    accounts: () => socialAccounts,
  },
];

/**
 * The providers that `npm run dev` starts: those of OIDC_PROVIDERS, or both, but for any that has an issuer in the
 * settings. With OIDC_ISSUER there is one provider, which is the developer's own.
 */
export function startedProviders(env: NodeJS.ProcessEnv): readonly DevProvider[] {
  if (env.OIDC_ISSUER) return [];
  const names = namesIn(env);
  return all.filter(({ name }) => names.includes(name) && !env[`OIDC_${name.toUpperCase()}_ISSUER`]);
}

/** All that the app signs in at: those that are started, and the developer's own. */
export function namesIn(env: NodeJS.ProcessEnv): readonly string[] {
  return env.OIDC_PROVIDERS ? env.OIDC_PROVIDERS.split(/ *, */) : all.map(({ name }) => name);
}

/** @param name as `npm run dev` hands it to the process of the providers */
export function devProvider(name: string): DevProvider | undefined {
  return all.find((each) => each.name === name);
}

/** The app's registration there. Known to everyone: it opens nothing but this provider. */
export function clientAt({ name }: DevProvider): { id: string; secret: string } {
  return { id: 'web-app', secret: `development-only-secret-of-the-sample-web-app-at-${name}` };
}
