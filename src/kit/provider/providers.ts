import { createProvider, type Provider } from './index.ts';
import { originOf } from './metadata.ts';
import type { ConnectionContext, ProviderSettings } from './settings.ts';

/** All that users may sign in at. */
export interface Providers {
  /** In the order of the settings. */
  readonly all: readonly [Provider, ...Provider[]];
  readonly names: readonly string[];
  /** The one that there is, where there is only one: nobody is asked which. */
  readonly only: Provider | undefined;
  named(name: string | undefined): Provider | undefined;
  /** Whose `iss` that is. */
  ofIssuer(iss: string | null | undefined): Provider | undefined;
  /**
   * The one that a session came from; undefined where no provider has its name any more, or the one that has is another
   * one now. Then nothing of the session may be sent to it.
   */
  ofSession(session: { provider: string; iss: string }): Provider | undefined;
  /** Carries out what was to be revoked later, and closes all connections. */
  close(): Promise<void>;
}

/** @param context.baseUrl the origin that users see */
export function createProviders(
  settings: readonly ProviderSettings[],
  { baseUrl, ...context }: ConnectionContext & { baseUrl: string },
  traced: (provider: Provider) => Provider = (provider) => provider,
): Providers {
  return providersOf(
    settings.map((each) =>
      traced(
        createProvider(each, {
          ...context,
          redirectUri: redirectUri(baseUrl, each),
          otherOrigins: otherOrigins(each, settings),
        }),
      ),
    ),
  );
}

/** Where others live, for users and for this server. Those at the issuer's own origin have the same operator. */
export function otherOrigins({ issuer }: ProviderSettings, settings: readonly ProviderSettings[]): string[] {
  const own = originOf(issuer);
  const others = settings.filter((each) => originOf(each.issuer) !== own);
  return others.flatMap(({ issuer: other, internalUrl }) =>
    [other, internalUrl].flatMap((address) => originOf(address) ?? []),
  );
}

/** Where the answers of a provider come to: with a name, to an address of its own (RFC 9700 §4.4). */
export function redirectUri(
  baseUrl: string,
  { name, named }: Pick<ProviderSettings, 'name' | 'named'>,
): string {
  return `${baseUrl}/auth/callback${named ? `/${name}` : ''}`;
}

function providersOf(given: readonly Provider[]): Providers {
  const all = given as Providers['all'];
  const byName = new Map(all.map((each) => [each.name, each]));
  return {
    all,
    names: [...byName.keys()],
    only: all.length === 1 ? all[0] : undefined,
    named: (name) => (name === undefined ? undefined : byName.get(name)),
    ofIssuer: (iss) => (iss == null ? undefined : all.find((each) => each.issues(iss))),
    ofSession({ provider, iss }) {
      const found = byName.get(provider);
      return found?.issues(iss) ? found : undefined;
    },
    async close() {
      await Promise.all(all.map((each) => each.close()));
    },
  };
}
