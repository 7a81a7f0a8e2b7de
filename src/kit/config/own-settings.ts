import type { z } from 'zod';
import { settings } from './settings.ts';

/** A setting of the site's own. It is read, checked and shown as the kit's are. */
export interface OwnSetting {
  /** The value if it is not set. Without one the setting must be there, unless its schema takes `undefined`. */
  default?: string;
  /**
   * The value under `npm run dev` if it is not set, before `default`; nowhere else. So a file or an address that suits
   * this machine never becomes production's: there the setting is as if this was not here.
   */
  development?: string;
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

/**
 * What a schema makes of a text. A `transform` that throws (`new URL(value)`) is a mistake in the value like any other:
 * its error would print the value, which may be a secret, with a stack (R20). So would a schema that has to be awaited.
 */
export function parsed(
  schema: z.ZodType,
  text: string | undefined,
): { success: true; data: unknown } | { success: false; messages: string[] } {
  try {
    const { success, data, error } = schema.safeParse(text);
    return success ? { success, data } : { success, messages: error.issues.map(({ message }) => message) };
  } catch (error) {
    const name = error instanceof Error ? error.constructor.name : typeof error;
    return { success: false, messages: [`is not accepted by its schema, which threw a ${name}.`] };
  }
}

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
    const { meaning, schema, ...given } = (setting ?? {}) as Partial<OwnSetting>;
    if (typeof meaning !== 'string' || meaning === '' || typeof schema?.safeParse !== 'function') {
      return `settings in site.ts: ${name} needs a meaning (one sentence) and a schema (of zod).`;
    }
    if (given.development !== undefined && typeof given.development !== 'string') {
      return `settings in site.ts: \`development\` of ${name} must be text: the value that it has under \`npm run dev\`.`;
    }
    return (['default', 'development'] as const)
      .filter((kind) => given[kind] !== undefined && !parsed(schema, given[kind]).success)
      .map((kind) => {
        const which = kind === 'default' ? 'the default' : 'the default while developing';
        return `settings in site.ts: ${which} of ${name} does not pass its own schema.`;
      });
  });
}

/** What a setting is when nobody sets it. */
export function fallbackOf(
  { default: everywhere, development }: OwnSetting,
  env: NodeJS.ProcessEnv,
): string | undefined {
  return (isDevelopment(env) ? development : undefined) ?? everywhere;
}

/** True under `npm run dev`; everything else is production. */
export function isDevelopment(env: NodeJS.ProcessEnv): boolean {
  return env.NODE_ENV === 'development';
}

/** The values of a site's own secrets, and the passwords in those that are addresses, decoded too: what no line may show. */
export function ownSecrets(own: OwnSettings = {}, values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(own)
    .filter(([, setting]) => setting.secret)
    .flatMap(([name]) => {
      const value = values[name];
      if (typeof value !== 'string' && !(value instanceof URL)) return [];
      const password = URL.parse(String(value))?.password ?? '';
      return [String(value), password, decoded(password)];
    })
    .filter((text) => text !== '');
}

/** As whoever connects with it writes it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Takes secrets out of a text: a database's driver may put the address that it was given into its error, password and all
 * (R20). Also as JSON writes them, in a line of the log.
 *
 * @param shortest how many characters a secret must have; a short one could be part of what any text says
 */
export function hidingSecrets(secrets: readonly string[], shortest: number): (text: string) => string {
  const written = secrets
    .filter(({ length }) => length >= shortest)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  return (text) => written.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
}
