import { loadConfig } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import { createProviders, type Providers } from '../provider/providers.ts';

export const firstIssuer = 'https://login.example.com';

/**
 * Labels: two that are short, one as long as a label may be, one that looks like markup, a right-to-left one. The last
 * provider has none, so that its host is printed.
 */
const labels = [
  ['work', 'Contoso'],
  ['google', 'Google'],
  ['university', 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunte'],
  ['partner', 'The Royal Society of Partners, Suppliers & <b>Others</b>'],
  ['hebrew', 'האוניברסיטה העברית'],
  ['local', undefined],
] as const;

/** Never connected. They offer what a page may print a button for. */
export function providersOf(
  count: number,
  { baseUrl, secret, log }: { baseUrl: string; secret: string; log: Log },
): Providers {
  const used = labels.slice(0, count);
  const common = { BASE_URL: baseUrl, SESSION_SECRET: secret };
  const several = Object.fromEntries(used.flatMap(([name, label]) => variables(name, label)));
  const env =
    count === 1
      ? { ...common, ...Object.fromEntries(variables(undefined, labels[0][1])) }
      : { ...common, OIDC_PROVIDERS: used.map(([name]) => name).join(','), ...several };
  const { providers } = loadConfig(env);
  return createProviders(providers, { baseUrl, log, audit: () => {} }, (provider) => ({
    ...provider,
    offersPrompt: () => count > 1,
    offersSignOut: () => true,
  }));
}

function variables(name: string | undefined, label: string | undefined): [string, string][] {
  const prefix = name === undefined ? 'OIDC_' : `OIDC_${name.toUpperCase()}_`;
  const first = name === undefined || name === labels[0][0];
  return [
    [`${prefix}ISSUER`, first ? firstIssuer : `https://${name}.example.com`],
    [`${prefix}CLIENT_ID`, 'app'],
    [`${prefix}CLIENT_SECRET`, 'of-the-gallery'],
    [`${prefix}ROLES_CLAIM`, 'roles'],
    ...(label === undefined ? [] : [[`${prefix}LABEL`, label] as [string, string]]),
  ];
}
