import type { Demands } from './provider/index.ts';
import { lacking } from './texts.ts';
import type { User } from './user-session.ts';

/** Who may see something. An empty rule means: whoever is signed in. All parts must hold. */
export interface Rule {
  /** Any one of these roles. */
  roles?: string | readonly string[];
  /** All of these roles. */
  allRoles?: readonly string[];
  /** All of these scopes were granted. */
  scopes?: readonly string[];
  /** Says yes to the user's claims. */
  claims?: (claims: Readonly<Record<string, unknown>>) => boolean;
  /** One of these authentication context classes; else the user is asked to sign in more strongly. */
  acr?: string | readonly string[];
  /** Seconds since the user last proved who they are; else they are asked to do so again. */
  maxAgeSeconds?: number;
}

/** `forbidden` says what is needed, for a person; `stepUp` says what to ask the provider for. */
export type Verdict = 'allowed' | { forbidden: { needed: string; held: string } } | { stepUp: Demands };

/**
 * Judges a user by a rule. What the account lacks comes first: a stronger sign-in would not help there.
 *
 * @param toleranceSeconds how far the provider's clock may be from ours
 */
export function judge(user: User, rule: Rule, toleranceSeconds: number): Verdict {
  const forbidden = whatIsLacking(user, rule);
  if (forbidden) return { forbidden };
  const acr = listOf(rule.acr);
  const weak = acr.length > 0 && !acr.includes(user.acr ?? '');
  const stale =
    rule.maxAgeSeconds !== undefined && secondsSince(user) > rule.maxAgeSeconds + toleranceSeconds;
  if (!weak && !stale) return 'allowed';
  return { stepUp: { ...(stale && { maxAge: rule.maxAgeSeconds }), ...(acr.length > 0 && { acr }) } };
}

function whatIsLacking(user: User, rule: Rule): { needed: string; held: string } | undefined {
  const anyOf = listOf(rule.roles);
  const held = (names: readonly string[]) => names.slice(0, 20).join(', ') || lacking.nothing;
  if (anyOf.length > 0 && !anyOf.some((role) => user.roles.includes(role))) {
    return {
      needed: anyOf.length > 1 ? lacking.oneOfRoles(anyOf.join(', ')) : lacking.role(anyOf.join()),
      held: held(user.roles),
    };
  }
  const allOf = rule.allRoles ?? [];
  if (!allOf.every((role) => user.roles.includes(role))) {
    return { needed: lacking.allRoles(allOf.join(', ')), held: held(user.roles) };
  }
  const scopes = rule.scopes ?? [];
  if (!scopes.every((scope) => user.scopes.includes(scope))) {
    return { needed: lacking.scopes(scopes.join(', ')), held: held(user.scopes) };
  }
  if (rule.claims && rule.claims(user.claims) !== true) {
    return { needed: lacking.otherAccount, held: held(Object.keys(user.claims)) };
  }
  return undefined;
}

/** Without auth_time from the provider, the sign-in here is what we know. */
function secondsSince(user: User): number {
  return (Date.now() - (user.authTime ?? user.signedInAt).getTime()) / 1000;
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
