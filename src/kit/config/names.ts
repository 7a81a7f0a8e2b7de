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
    if (!ours) return misspelt(name, known);
    const provider = providerIn(name);
    if (provider !== undefined && !providers) return [];
    if (provider !== undefined && !providers?.includes(provider)) {
      const near = nearest(provider, new Set(providers));
      const meant = near && ` Did you mean ${name.replace(provider.toUpperCase(), near.toUpperCase())}?`;
      return [
        `${name} is for a provider that OIDC_PROVIDERS does not name: add ${provider} there, or remove this.${meant ?? ''}`,
      ];
    }
    const near = nearest(name, known) ?? [...known].find((one) => lacksLastWord(name, one));
    if (near) return [`${name} is not a setting. Did you mean ${near}?`];
    return [`${name} is not a setting: remove it, or look up its name in .env.example.`];
  });
}

/** Desktops, platforms and other programs have names of their own, so only what can hardly be one of those counts. */
function misspelt(name: string, known: ReadonlySet<string>): string[] {
  // LOGLEVEL is what many programs read.
  const likely = [...known].filter((one) => one !== 'LOG_LEVEL' && !one.endsWith('PROXY'));
  const near =
    likely.find((one) => one.replaceAll('_', '') === name.replaceAll('_', '')) ??
    (name.startsWith('SESSION_') ? nearest(name, known) : undefined) ??
    (/^(SESSION|REDIS)_/.test(name) ? likely.find((one) => isAlmost(name, one)) : undefined);
  return near ? [`${name} is not a setting. Did you mean ${near}?`] : [];
}

/** One letter differs, or the last word is missing: REDIS_URI, SESSION_IDLE. */
function isAlmost(name: string, known: string): boolean {
  return lacksLastWord(name, known) || nearest(name, new Set([known]), 1) === known;
}

function lacksLastWord(name: string, known: string): boolean {
  return known.replace(/_[A-Z]+$/, '') === name;
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
