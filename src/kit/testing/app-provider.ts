import type { ProviderConfig } from '../config/index.ts';
import { loginPath } from '../session/login-address.ts';
import type { MemoryProvider } from './provider.ts';

/** A provider in memory, and how the app knows it. */
export interface AppProvider extends MemoryProvider {
  name: string;
  settings: ProviderConfig;
}

/** In the order of OIDC_PROVIDERS; the one without a name where that is not set. */
export type AppProviders = readonly [AppProvider, ...AppProvider[]];

/**
 * The provider that a test names; the first where it names none.
 *
 * @param call what was given the name: `signIn`
 * @throws Error that says which there are
 */
export function providerNamed(providers: AppProviders, name: string | undefined, call: string): AppProvider {
  if (name === undefined) return providers[0];
  const found = providers.find((one) => one.name === name);
  if (found) return found;
  const there = providers[0].settings.named
    ? `OIDC_PROVIDERS has ${providers.map((one) => one.name).join(', ')}.`
    : 'this app has one provider, without a name: leave `provider` out, or set OIDC_PROVIDERS.';
  throw new Error(`${call} was given the provider ${JSON.stringify(name)}, and ${there}`);
}

/**
 * The claim that holds the roles of a provider's users.
 *
 * @throws Error where it gives none, as in production
 */
export function rolesClaimOf({ name, settings: { rolesClaim, inFull } }: AppProvider): string {
  if (rolesClaim !== undefined) return rolesClaim;
  const setting = inFull('OIDC_ROLES_CLAIM');
  throw new Error(
    `Users of the provider ${name} have no roles, because ${setting} is not set. Set it in \`env\` or in test/settings.env, such as ${setting}=roles.`,
  );
}

/** Where a sign-in at this provider starts, whoever is signed in. */
export function signInAddress(provider: AppProvider, returnTo: string): string {
  return `${loginPath(provider)}?${new URLSearchParams({ returnTo, renew: '1' })}`;
}

/** The provider that lives at this address. */
export function providerAt(providers: AppProviders, address: string): AppProvider | undefined {
  return providers.find(({ issuer }) => URL.parse(address)?.origin === issuer);
}
