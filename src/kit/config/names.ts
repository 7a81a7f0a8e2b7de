import { nearest } from './nearest.ts';
import type { OwnSettings } from './own-settings.ts';
import { settings } from './settings.ts';

const kitNames = namesOf(settings);

/** What Kubernetes puts into every container for a service that happens to be called `oidc`. */
const injected = /_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP)\w*)?)$/;

/**
 * Names that look like settings and are none. A misspelt setting would otherwise be ignored without a word,
 * and the default would hold.
 */
export function unknownNames(env: NodeJS.ProcessEnv, own: OwnSettings): string[] {
  const known = new Set([
    ...kitNames,
    ...namesOf(Object.entries(own).map(([name, { secret }]) => ({ name, secret }))),
  ]);
  return Object.keys(env).flatMap((name) => {
    if (!env[name] || known.has(name) || injected.test(name)) return [];
    const ours = /^(OIDC_|TRUST_PROXY)/.test(name);
    // Desktops have SESSION_… names of their own, so there only near misses count.
    if (!ours && !name.startsWith('SESSION_')) return [];
    const near = nearest(name, known);
    if (near) return [`${name} is not a setting. Did you mean ${near}?`];
    return ours ? [`${name} is not a setting: take it out, or look up its name in .env.example.`] : [];
  });
}

function namesOf(all: readonly { name: string; secret?: boolean | undefined }[]): string[] {
  return all.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]));
}
