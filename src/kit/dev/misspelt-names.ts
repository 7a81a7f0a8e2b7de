import { nearest } from '../config/nearest.ts';

/** EX_CONFIG of sysexits.h, with which the app ends when its settings are wrong. */
export const exitConfig = 78;

const known = new Set(['DEV_PROVIDER_PORT', 'DEV_SOCIAL_PORT', 'DEV_API_PORT', 'DEV_ROLES']);

/** What these ports would be called after what the console calls them. */
const otherwise: Record<string, string> = {
  DEV_WORK_PORT: 'DEV_PROVIDER_PORT',
  DEV_GALLERY_PORT: 'DEV_API_PORT',
};

/**
 * Names that are nearly one of the settings of `npm run dev`, a sentence for each. Other programs have names that begin
 * with DEV_ too, and so may the site.
 *
 * @param own the settings of the site, by name
 */
export function misspeltNames(env: NodeJS.ProcessEnv, own: object = {}): string[] {
  return Object.keys(env).flatMap((name) => {
    if (!env[name] || !/^DEV_?/.test(name) || known.has(name) || name in own) return [];
    const near = otherwise[name] ?? nearest(name, known);
    return near ? [`${name} is not a setting. Did you mean ${near}?`] : [];
  });
}
