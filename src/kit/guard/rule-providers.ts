import type { Providers } from '../provider/providers.ts';
import { neededProvider } from '../session/needed-provider.ts';
import type { User } from '../session/user.ts';
import type { Lack, Rule } from './rule.ts';

// Which provider a rule means. Each provider gives its users whatever scopes, claims and acr it likes, so with several
// of them a rule that asks for these says of which provider it believes them. Roles are closed by their own claim's
// setting, and `member` and `allow` are the site's own.

/**
 * What is wrong with a rule for these providers; undefined where nothing is. Goes on from where the rule is.
 *
 * @param names of the providers in the settings
 */
export function ruleProblem(rule: Rule, names: readonly string[]): string | undefined {
  if (rule.providers === undefined) return names.length > 1 ? withoutProviders(rule, names) : undefined;
  const wanted: unknown = typeof rule.providers === 'string' ? [rule.providers] : rule.providers;
  if (!Array.isArray(wanted) || wanted.length === 0) {
    return 'its rule has `providers` that is no name and no list of names: nobody could meet it.';
  }
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown === undefined) return undefined;
  return `its rule names the provider "${String(unknown).slice(0, 40)}", and the settings have ${names.join(', ')}. Name it in OIDC_PROVIDERS, or remove it from the rule.`;
}

function withoutProviders({ scopes, claims, acr }: Rule, [first]: readonly string[]): string | undefined {
  const asked = Object.entries({ scopes, claims, acr }).flatMap(([name, value]) =>
    value === undefined ? [] : [`\`${name}\``],
  );
  if (asked.length === 0) return undefined;
  return `its rule asks for ${asked.join(' and ')}, and does not say of which provider: add \`providers\` to it, such as providers: ['${first}'].`;
}

/** What somebody lacks who signed in at a provider that the rule does not mean. */
export function lackedProvider(
  user: User,
  { providers: wanted }: Rule,
  providers: Providers,
): Lack | undefined {
  if (wanted === undefined) return undefined;
  const names = typeof wanted === 'string' ? [wanted] : wanted;
  if (names.includes(user.provider)) return undefined;
  const needed = neededProvider(names, providers);
  const held = { label: { key: 'development.provider' }, value: user.provider } as const;
  return { reason: `the provider ${names.join(' or ')}`, needed, held };
}
