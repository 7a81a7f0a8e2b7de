import { isReserved } from '../config/provider-names.ts';
import { type Account, accountsWithRoles, socialAccounts } from './accounts.ts';

/** One of the identity providers of `npm run dev`. */
export interface DevProvider {
  /** As in OIDC_PROVIDERS: its own, or that of a provider without an issuer yet, which it stands in for. */
  name: string;
  /** Which of the two it is: its accounts, its port and its look. */
  kind: DevProviderKind;
  /** What people read. */
  label: string;
  /** Who can sign in there, as the console says. */
  people: string;
  /** Whether its users have roles, and access tokens for the sample API. */
  full: boolean;
  accounts: (env: NodeJS.ProcessEnv) => readonly Account[];
}

export type DevProviderKind = 'work' | 'social';

const all: readonly DevProvider[] = [
  {
    name: 'work',
    kind: 'work',
    label: 'Work (development)',
    people: 'accounts with roles: alice (role admin), bob (role member), carol (cancels) and others',
    full: true,
    accounts: (env) => accountsWithRoles(env.DEV_ROLES),
  },
  {
    name: 'social',
    kind: 'social',
    label: 'Social (development)',
    people: 'accounts without roles: alice (another user than at work), peggy and others',
    full: false,
    accounts: () => socialAccounts,
  },
];

/**
 * The providers that `npm run dev` starts: one for each name in OIDC_PROVIDERS that has no issuer in the settings, two at
 * most, or both. Under another name than their own they stand in, in the order of the names, for providers that are to
 * come. With OIDC_ISSUER there is one provider, which is the developer's own.
 */
export function startedProviders(env: NodeJS.ProcessEnv): readonly DevProvider[] {
  if (env.OIDC_ISSUER) return [];
  const names = namesIn(env).filter((name) => isUsable(name) && !env[`OIDC_${name.toUpperCase()}_ISSUER`]);
  const free = all.filter(({ name }) => !names.includes(name));
  return names.flatMap((name) => {
    const own = all.find((each) => each.name === name);
    if (own) return [own];
    const standIn = free.shift();
    return standIn ? [{ ...standIn, name, label: `${capitalised(name)} (development)` }] : [];
  });
}

/** What no provider may be called is not started either: the app says why. */
function isUsable(name: string): boolean {
  return /^[a-z][a-z0-9]{0,19}$/.test(name) && !isReserved(name);
}

export function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** All that the app signs in at: those that are started, and the developer's own. */
export function namesIn(env: NodeJS.ProcessEnv): readonly string[] {
  return env.OIDC_PROVIDERS ? env.OIDC_PROVIDERS.split(/ *, */) : all.map(({ name }) => name);
}

/** The app's registration there. Known to everyone: it opens nothing but this provider. */
export function clientAt({ name }: DevProvider): { id: string; secret: string } {
  return { id: 'web-app', secret: `development-only-secret-of-the-sample-web-app-at-${name}` };
}
