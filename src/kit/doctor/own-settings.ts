import type { Config } from '../config/index.ts';
import type { OwnSetting } from '../config/own-settings.ts';
import type { AnySite } from '../site.ts';
import { type Finding, ok } from './finding.ts';

/** What the site's own settings are; of a secret only whether it is set. */
export function* ownSettings({ own }: Config, site: AnySite | undefined): Generator<Finding> {
  for (const [name, { secret, meaning, development }] of Object.entries<OwnSetting>(site?.settings ?? {})) {
    const value = own[name];
    const unset = development === undefined || secret ? '' : `; under npm run dev it is ${text(development)}`;
    const shown = value === undefined ? `not set${unset}` : secret ? 'set' : text(value);
    yield ok('own settings', `${name} (${meaning}): ${shown}.`);
  }
}

/** A schema may make anything of a text. */
function text(value: unknown): string {
  // Whoever forgot to call it a secret does not find its password in a terminal or in a build's log.
  if (typeof value === 'string' || value instanceof URL)
    return String(value).replace(/\/\/[^/\s]*@/, '//•••@');
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'set';
  }
}
