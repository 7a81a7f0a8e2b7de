import { randomUUID } from 'node:crypto';
import type { Account } from './grants.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Who there is at the provider in memory. Any name is an account; each browser that signs in knows it in its own way. */
export function createAccounts() {
  const signIns = new Map<string, Account[]>();
  const disabled = new Set<string>();
  const of = (name: string) => signIns.get(name) ?? [];
  return {
    signIn(name: string, claims: Claims): Account {
      const account = { ...createAccount(name, claims), disabled: disabled.has(name) };
      signIns.set(name, [...of(name), account]);
      return account;
    },
    /** Changes what the provider says about an account, in whichever browser. */
    change(name: string, claimsAfter: (before: Claims) => Claims): void {
      for (const account of of(name)) account.claims = claimsAfter(account.claims);
    },
    setDisabled(name: string, isDisabled: boolean): void {
      if (isDisabled) disabled.add(name);
      else disabled.delete(name);
      for (const account of of(name)) account.disabled = isDisabled;
    },
    isDisabled: (name: string) => disabled.has(name),
    /** The `sub` that the app knows an account by: its name, unless the claims say otherwise. */
    subsOf: (name: string): string[] => [
      ...new Set([name, ...of(name).map(({ claims }) => String(claims.sub))]),
    ],
  };
}

/** Whoever signs in by a name is that person, with claims that fit. */
function createAccount(name: string, given: Claims): Account {
  const { auth_time, ...claims } = given;
  const email = /^[\w.-]+$/.test(name)
    ? { email: `${name.toLowerCase()}@example.com`, email_verified: true }
    : {};
  const usual = { sub: name, name: name.charAt(0).toUpperCase() + name.slice(1), ...email };
  const authTime = typeof auth_time === 'number' ? auth_time : Math.floor(Date.now() / 1000);
  return { claims: { ...usual, ...claims }, authTime, sid: randomUUID() };
}

/**
 * The claims with these roles in the one that OIDC_ROLES_CLAIM names: `realm_access.roles` is `roles` inside of
 * `realm_access`; a name such as `https://example.com/roles` is one claim.
 *
 * @param path what OIDC_ROLES_CLAIM says
 */
export function withRoles(claims: Claims, path: string, roles: unknown): Claims {
  if (!Array.isArray(roles) || roles.some((role) => typeof role !== 'string' || role === '')) {
    throw new TypeError("`roles` is a list of strings, such as { roles: ['admin'] }.");
  }
  const names = /^[\w-]+(\.[\w-]+)+$/.test(path) ? path.split('.') : [path];
  return put(claims, names, [...roles]);
}

function put(claims: Claims, [name = '', ...below]: readonly string[], roles: readonly string[]): Claims {
  if (below.length === 0) return { ...claims, [name]: roles };
  const inside = Object.hasOwn(claims, name) ? claims[name] : {};
  const isObject = typeof inside === 'object' && inside !== null && !Array.isArray(inside);
  return { ...claims, [name]: put(isObject ? (inside as Claims) : {}, below, roles) };
}
