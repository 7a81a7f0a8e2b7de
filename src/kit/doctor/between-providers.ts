import type { Config, ProviderConfig } from '../config/index.ts';
import type { SiteTexts } from '../errors/texts.ts';
import { type Finding, ok, warning } from './finding.ts';
import { listed } from './listed.ts';

/**
 * What several providers should not have in common, and how users tell them apart.
 *
 * @param texts of the site, which may have labels of its own
 */
export function betweenProviders({ providers }: Config, texts: SiteTexts = {}): Finding[] {
  if (providers.length < 2) return [];
  const words = texts.en ?? Object.values(texts)[0];
  const shown = providers.map((one) => ({
    ...one,
    label: words?.[`provider.${one.name}.label`] ?? one.label,
  }));
  return [...checkLabels(shown), ...pairsOf(providers).flatMap((pair) => [...checkPair(...pair)])];
}

function* checkLabels(providers: readonly ProviderConfig[]): Generator<Finding> {
  const check = 'labels';
  yield ok(check, `users choose between ${listed(providers.map(({ label }) => `"${label}"`))}.`);
  for (const alike of groupsOf(providers, asRead)) {
    yield warning(
      check,
      `those of ${listed(alike.map(({ name }) => name))} read the same.`,
      `Set ${listed(alike.map(({ inFull }) => inFull('OIDC_LABEL')))} to names that users know them by.`,
    );
  }
}

/** Without the name that the app adds to labels that are the same. */
function asRead({ label, name }: ProviderConfig): string {
  const added = ` (${name})`;
  const own = label.endsWith(added) ? label.slice(0, -added.length) : label;
  return own.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

function* checkPair(one: ProviderConfig, other: ProviderConfig): Generator<Finding> {
  const both = (setting: string) => `${one.inFull(setting)} and ${other.inFull(setting)}`;
  if (one.clientSecret !== undefined && one.clientSecret === other.clientSecret) {
    yield warning(
      'secrets',
      `${both('OIDC_CLIENT_SECRET')} are the same: each of the two providers could pose as this app at the other.`,
      'Let one of them make a new secret.',
    );
  }
  const { origin } = new URL(one.issuer);
  if (new URL(other.issuer).origin === origin) {
    yield warning(
      'providers',
      `${one.name} and ${other.name} are both at ${origin}: whoever runs it could pass users and tokens of one off as those of the other.`,
      'Keep this only where you trust one operator with both, such as two realms of one Keycloak.',
    );
  }
}

function pairsOf(providers: readonly ProviderConfig[]): [ProviderConfig, ProviderConfig][] {
  return providers.flatMap((one, index) =>
    providers.slice(index + 1).map((other): [ProviderConfig, ProviderConfig] => [one, other]),
  );
}

/** Those of which there is more than one. */
function groupsOf<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  return [...Map.groupBy(all, keyOf).values()].filter((group) => group.length > 1);
}
