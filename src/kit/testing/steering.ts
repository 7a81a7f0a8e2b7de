import { withRoles } from './accounts.ts';
import type { Surroundings } from './browser.ts';

/** What happens to a person without their doing. */
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

/** @param browser who is in it, and with which session */
export function createSteering(
  { provider: { accounts }, rolesClaim, endSession }: Surroundings,
  browser: { account(): string; sessionId(): string | undefined },
): Steering {
  const change = (claimsAfter: Parameters<typeof accounts.change>[1]) =>
    accounts.change(browser.account(), claimsAfter);
  return {
    setClaims: (claims) => change((before) => ({ ...before, ...claims })),
    setRoles: (roles) => change((before) => withRoles(before, rolesClaim, roles)),
    disable: () => accounts.setDisabled(browser.account(), true),
    enable: () => accounts.setDisabled(browser.account(), false),
    async endSession() {
      if (await endSession(browser.sessionId())) return;
      throw new Error('There is no session in this browser, or it has ended already.');
    },
  };
}
