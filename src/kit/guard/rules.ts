import type { Request, Response } from 'express';
import { unknownParts } from '../config/unknown-parts.ts';
import type { Text } from '../errors/texts.ts';
import { checkableAcr, type Demands } from '../provider/index.ts';
import { authOf } from '../session/context.ts';
import { requestContext } from '../session/request-context.ts';
import type { User } from '../session/user.ts';
import type { Lack, Rule } from './rule.ts';
import { lackedProvider, ruleProblem } from './rule-providers.ts';

export type { Lack, Rule } from './rule.ts';

/**
 * `forbidden` says what is needed; `stepUp` says what to ask the provider for; `unproven`: it was asked
 * already, and did not say when the user proved who they are.
 */
export type Verdict = 'allowed' | 'unproven' | { forbidden: Lack } | { stepUp: Demands };

/** Judges a user by a rule. What the account is missing comes first: a stronger sign-in would not help there. */
export async function judge(req: Request, user: User, rule: Rule): Promise<Verdict> {
  const { providers } = authOf(req).context;
  const provider = providers.named(user.provider);
  // Rules of routes that the start could not find: they stay closed.
  const problem = ruleProblem(rule, providers.names);
  if (problem !== undefined || !provider) throw new Error(`A route with requireAuth: ${problem}`);
  const missing = lackedProvider(user, rule, providers) ?? whatIsLacking(user, rule);
  if (missing) return { forbidden: missing };
  const lack = await askFunctions(req, user, rule);
  return lack ? { forbidden: lack } : judgeStrength(user, rule, provider.settings);
}

/** Only `true` lets anybody in; one that throws is a failure, not a yes (R18). */
async function askFunctions(req: Request, user: User, rule: Rule): Promise<Lack | undefined> {
  const { claims, member, allow } = rule;
  const held = heldOf('claims', Object.keys(user.claims));
  if (claims && (await claims(user.claims)) !== true) return { reason: 'an account of another kind', held };
  if (member && (await member(user.member)) !== true) return { reason: 'what `member` asks for', held };
  const at = () => ({ ...requestContext(req, req.res as Response), user });
  if (allow && (await allow(at())) !== true) return { reason: 'what `allow` asks for', held };
  return undefined;
}

function judgeStrength(
  user: User,
  rule: Rule,
  settings: Freshness,
): Exclude<Verdict, { forbidden: unknown }> {
  const acr = listOf(rule.acr);
  const weak = acr.length > 0 && !checkableAcr(acr).includes(user.acr ?? '');
  const age = ageOf(user, rule, settings);
  if (!weak && age !== 'stale') return age === 'fresh' ? 'allowed' : 'unproven';
  return {
    stepUp: { ...(age !== 'fresh' && { maxAge: rule.maxAgeSeconds }), ...(acr.length > 0 && { acr }) },
  };
}

/** @throws TypeError for a rule with a mistake, when it is written and not when somebody comes */
export function checkRule(rule: Rule & { ownPage?: boolean }): void {
  const { ownPage: _, ...own } = rule;
  const mistake = ruleMistake(own);
  if (mistake !== undefined) throw new TypeError(mistake);
}

/**
 * What is wrong with a rule that nobody could ever meet, or that would let in more people than it says: a part that is
 * misspelt, empty or undefined asks for nothing.
 */
export function ruleMistake(rule: Rule): string | undefined {
  const [unknown] = unknownParts(rule, ruleParts);
  if (unknown !== undefined) return `a rule has a part that it can't have: ${unknown}`;
  for (const [name, value] of Object.entries(rule)) {
    const kind = kinds[name as keyof Rule];
    if (kind !== undefined && !fits(kind, value)) return `\`${name}\` of a rule must be ${kind}`;
  }
  const acr = listOf(rule.acr);
  if (acr.length > 0 && checkableAcr(acr).length === 0) {
    return `a rule needs an acr that the provider answers with: "${acr.join(' ')}" is only sent`;
  }
  return undefined;
}

const names = 'a name, or a list with at least one';
const list = 'a list with at least one name';
const question = 'a function that returns true or false';
const kinds = {
  ...{ roles: names, allRoles: list, scopes: list, acr: names },
  providers: undefined, // See `ruleProblem`.
  ...{ claims: question, member: question, allow: question },
  ...{ maxAgeSeconds: 'a number of seconds', withoutAuthTime: 'true or false' },
} satisfies Record<keyof Rule, string | undefined>;
const ruleParts = Object.keys(kinds);

function fits(kind: string, value: unknown): boolean {
  if (kind === question) return typeof value === 'function';
  if (kind === names || kind === list) {
    if (kind === list && !Array.isArray(value)) return false;
    const all = [value].flat();
    return all.length > 0 && all.every((name) => typeof name === 'string' && name !== '');
  }
  return kind === kinds.maxAgeSeconds ? Number.isFinite(value) : typeof value === 'boolean';
}

/** How far the provider's clock may be from ours, and OIDC_STEP_UP_WITHOUT_AUTH_TIME. */
interface Freshness {
  clockToleranceSeconds: number;
  stepUpWithoutAuthTime: boolean;
}

/** Only auth_time proves it. The time of a sign-in here does not: the provider may have asked for nothing. */
function ageOf(user: User, rule: Rule, settings: Freshness): 'fresh' | 'stale' | 'unproven' {
  const { maxAgeSeconds } = rule;
  if (maxAgeSeconds === undefined) return 'fresh';
  const time = user.authTime ?? user.freshAt;
  const recent =
    time !== undefined &&
    (Date.now() - time.getTime()) / 1000 <= maxAgeSeconds + settings.clockToleranceSeconds;
  if (!recent) return 'stale';
  const proven = user.authTime !== undefined || rule.withoutAuthTime || settings.stepUpWithoutAuthTime;
  return proven ? 'fresh' : 'unproven';
}

function whatIsLacking(user: User, rule: Rule): Lack | undefined {
  const anyOf = listOf(rule.roles);
  if (anyOf.length === 1 && !user.roles.includes(anyOf.join())) {
    const role = anyOf.join();
    const needed: Text = { key: 'error.needed.role', values: { role } };
    return { reason: `the role ${role}`, needed, held: heldOf('roles', user.roles) };
  }
  if (anyOf.length > 1 && !anyOf.some((role) => user.roles.includes(role))) {
    const names = anyOf.join(', ');
    const needed: Text = { key: 'error.needed.one-of-roles', values: { roles: names } };
    return { reason: `one of the roles ${names}`, needed, held: heldOf('roles', user.roles) };
  }
  const allOf = rule.allRoles ?? [];
  if (!allOf.every((role) => user.roles.includes(role))) {
    const names = allOf.join(', ');
    const needed: Text = { key: 'error.needed.all-roles', values: { roles: names } };
    return { reason: `all of the roles ${names}`, needed, held: heldOf('roles', user.roles) };
  }
  const scopes = rule.scopes ?? [];
  if (!scopes.every((scope) => user.scopes.includes(scope))) {
    const names = scopes.join(', ');
    const needed: Text = { key: 'error.needed.scopes', values: { scopes: names } };
    return { reason: `the scopes ${names}`, needed, held: heldOf('scopes', user.scopes) };
  }
  return undefined;
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function heldOf(what: 'roles' | 'scopes' | 'claims', names: readonly string[]): Lack['held'] {
  const value = names.slice(0, 20).join(', ') || ({ key: 'development.none' } as const);
  return { label: { key: `development.${what}` }, value };
}
