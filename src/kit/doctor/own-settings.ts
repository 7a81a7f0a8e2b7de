import type { Config } from '../config/index.ts';
import type { AnySite } from '../site.ts';
import { type Finding, ok } from './finding.ts';

/** What the site's own settings are; of a secret only whether it is set. */
export function* ownSettings({ own }: Config, site: AnySite | undefined): Generator<Finding> {
  for (const [name, { secret, meaning }] of Object.entries<{ secret?: boolean; meaning: string }>(
    site?.settings ?? {},
  )) {
    const value = own[name];
    const shown = value === undefined ? 'not set' : secret ? 'set' : text(value);
    yield ok('own settings', `${name} (${meaning}): ${shown}.`);
  }
}

/** What no line may show. */
export function ownSecrets({ own }: Config, site: AnySite | undefined): string[] {
  return Object.entries<{ secret?: boolean }>(site?.settings ?? {})
    .filter(([, { secret }]) => secret)
    .map(([name]) => own[name])
    .filter((value) => typeof value === 'string' && value !== '') as string[];
}

/** A schema may make anything of a text. */
function text(value: unknown): string {
  if (typeof value === 'string' || value instanceof URL) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'set';
  }
}
