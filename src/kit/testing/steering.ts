import { withRoles } from './accounts.ts';
import { type AppProvider, rolesClaimOf } from './app-provider.ts';
import type { Surroundings } from './browser.ts';

/** What happens to a person without their doing: the account is the one that signed in last in this browser. */
export interface Steering {
  /**
   * What the provider says about the account from now on, beside what it said before; the app hears of it when it asks
   * again.
   */
  setClaims(claims: Readonly<Record<string, unknown>>): void;
  /** The account's roles from now on, as `setClaims`. */
  setRoles(roles: readonly string[]): void;
  /** The provider disables the account: it refreshes no token, answers no userinfo, and lets nobody sign in as it. */
  disable(): void;
  /** Takes `disable` back. */
  enable(): void;
  /** Ends the session of this browser, as an operator does. */
  endSession(): Promise<void>;
}

/** An account of a provider. */
export interface SignedInAs {
  provider: AppProvider;
  name: string;
}

/** @param browser who signed in last in it, and with which session */
export function createSteering(
  { endSession }: Surroundings,
  browser: { account(): SignedInAs; sessionId(): string | undefined },
): Steering {
  const change = (claimsAfter: Parameters<AppProvider['accounts']['change']>[1]) => {
    const { provider, name } = browser.account();
    provider.accounts.change(name, claimsAfter);
  };
  const setDisabled = (isDisabled: boolean) => {
    const { provider, name } = browser.account();
    provider.accounts.setDisabled(name, isDisabled);
  };
  return {
    setClaims: (claims) => change((before) => ({ ...before, ...claims })),
    setRoles(roles) {
      const claim = rolesClaimOf(browser.account().provider);
      change((before) => withRoles(before, claim, roles));
    },
    disable: () => setDisabled(true),
    enable: () => setDisabled(false),
    async endSession() {
      if (await endSession(browser.sessionId())) return;
      throw new Error('There is no session in this browser, or it has ended already.');
    },
  };
}
