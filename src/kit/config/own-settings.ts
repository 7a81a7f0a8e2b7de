import type { z } from 'zod';
import { settings } from './settings.ts';

/** A setting of the site's own. It is read, checked and shown as the kit's are. */
export interface OwnSetting {
  /** What holds when it is not set. Without one the setting must be there, unless its schema takes `undefined`. */
  default?: string;
  /** One sentence, for whoever sets it. */
  meaning: string;
  /** Zod's: takes the text, gives the value. */
  schema: z.ZodType;
  /** Never shown, and read from the file that NAME_FILE names too. */
  secret?: boolean;
}

/** By name: capitals, digits and `_`. */
export type OwnSettings = Readonly<Record<string, OwnSetting>>;

/** The values, once they were checked. */
export type OwnValues<S extends OwnSettings> = { readonly [Name in keyof S]: z.output<S[Name]['schema']> };

/** What is wrong with the definitions themselves, each a sentence. */
export function ownSettingProblems(own: OwnSettings): string[] {
  const kit = new Set(settings.flatMap(({ name }) => [name, `${name}_FILE`]));
  return Object.entries(own).flatMap(([name, setting]) => {
    if (!/^[A-Z][A-Z0-9_]{0,99}$/.test(name)) {
      return `settings in site.ts: ${name} must be capitals, digits and _, beginning with a letter.`;
    }
    if (kit.has(name) || /^(OIDC|SESSION|REDIS)_/.test(name)) {
      return `settings in site.ts: ${name} is, or looks like, a setting of the kit's. Give yours another name.`;
    }
    const { meaning, schema, default: fallback } = (setting ?? {}) as Partial<OwnSetting>;
    if (typeof meaning !== 'string' || meaning === '' || typeof schema?.safeParse !== 'function') {
      return `settings in site.ts: ${name} needs a meaning (one sentence) and a schema (of zod).`;
    }
    if (fallback !== undefined && !schema.safeParse(fallback).success) {
      return `settings in site.ts: the default of ${name} does not pass its own schema.`;
    }
    return [];
  });
}
