import { nearest } from './nearest.ts';
import type { OwnSettings } from './own-settings.ts';
import { ownVariable, variablesOf } from './provider-names.ts';
import { perProvider, type SettingName, settings } from './settings.ts';

/** What Kubernetes puts into every container for a service that happens to be called `oidc`. */
const injected = /_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP)\w*)?)$/;

/**
 * Names that look like settings and are none. A misspelt setting would otherwise be ignored without a word,
 * and the default would hold.
 *
 * @param providers the names in OIDC_PROVIDERS; undefined where nobody can read them
 */
export function unknownNames(
  env: NodeJS.ProcessEnv,
  own: OwnSettings,
  providers: readonly string[] | undefined,
): string[] {
  const known = new Set([
    ...settings.flatMap(({ name, secret }) =>
      namesOf(variablesOf(name as SettingName, providers ?? []).map((each) => ({ name: each, secret }))),
    ),
    ...namesOf(Object.entries(own).map(([name, { secret }]) => ({ name, secret }))),
  ]);
  return Object.keys(env).flatMap((name) => {
    if (!env[name] || known.has(name) || injected.test(name)) return [];
    const ours = /^(OIDC_|TRUST_PROXY)/.test(name);
    // Desktops have SESSION_… names of their own, so there only near misses count.
    if (!ours && !name.startsWith('SESSION_')) return [];
    const provider = providerIn(name);
    if (provider !== undefined && !providers) return [];
    if (provider !== undefined && !providers?.includes(provider)) {
      const near = nearest(provider, new Set(providers));
      const meant = near && ` Did you mean ${name.replace(provider.toUpperCase(), near.toUpperCase())}?`;
      return [
        `${name} is for a provider that OIDC_PROVIDERS does not name: add ${provider} there, or remove this.${meant ?? ''}`,
      ];
    }
    const near = nearest(name, known);
    if (near) return [`${name} is not a setting. Did you mean ${near}?`];
    return ours ? [`${name} is not a setting: remove it, or look up its name in .env.example.`] : [];
  });
}

/** `OIDC_WORK_CLIENT_ID`: work. */
export function providerIn(name: string): string | undefined {
  const word = /^OIDC_([A-Z0-9]{1,20})_/.exec(name)?.[1]?.toLowerCase();
  if (word === undefined) return undefined;
  const fits = Object.keys(perProvider).some(
    (each) => name.replace(/_FILE$/, '') === ownVariable(word, each) || name === ownVariable(word, each),
  );
  return fits ? word : undefined;
}

function namesOf(all: readonly { name: string; secret?: boolean | undefined }[]): string[] {
  return all.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]));
}
