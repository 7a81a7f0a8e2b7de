import { readBounded } from './bounded-file.ts';
import { unknownNames } from './names.ts';
import { fallbackOf, type OwnSetting, type OwnSettings, parsed } from './own-settings.ts';
import {
  isReserved,
  namesOfProvider,
  type ProviderNames,
  plainNames,
  providerNameProblems,
} from './provider-names.ts';
import {
  definitions,
  type ProviderSettingName,
  perProvider,
  type SettingName,
  type Values,
} from './settings.ts';

/** The settings that hold for one provider: its own and all that have none. */
export interface Reading {
  values: Values;
  /** Those that are set to something wrong: not to be taken for missing ones. */
  invalid: ReadonlySet<SettingName>;
}

export interface AllReadings {
  /** Without those of any provider. */
  common: Reading;
  /** One for each provider, in the order of OIDC_PROVIDERS. */
  providers: readonly (Reading & { names: ProviderNames })[];
  /** The site's own. */
  own: Record<string, unknown>;
  problems: string[];
}

/** Reads each setting on its own. An empty one counts as not set, as `NAME=` in a file means nothing else. */
export function readSettings(env: NodeJS.ProcessEnv, own: OwnSettings): AllReadings {
  const common = copyOf();
  const found: { name: SettingName; problems: string[] }[] = [];
  for (const name of Object.keys(definitions) as SettingName[]) {
    if (!(name in perProvider)) found.push({ name, problems: readInto(common, name, name, env) });
  }
  const given = common.values.OIDC_PROVIDERS;
  // Nobody can say which settings a name has that is wrong itself.
  const several = given !== undefined || common.invalid.has('OIDC_PROVIDERS');
  const usable = (given ?? []).filter((name) => !isReserved(name));
  const providers = several ? usable.map((name) => namesOfProvider(name, env)) : [plainNames];
  const readings = providers.map((names) => {
    const reading = { ...copyOf(common), names };
    for (const name of Object.keys(perProvider) as ProviderSettingName[]) {
      const problems = readInto(reading, name, names.variable(name), env).map(names.inFull);
      found.push({ name, problems });
    }
    return reading;
  });
  const problems = [
    ...unknownNames(env, own, several ? given : []),
    ...(given ? providerNameProblems(given, env) : []),
    ...Object.keys(definitions).flatMap((name) =>
      found.flatMap((one) => (one.name === name ? one.problems : [])),
    ),
  ];
  const ownValues: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(own)) {
    const result = readOwn(name, setting, env);
    if ('problems' in result) problems.push(...result.problems);
    else ownValues[name] = result.value;
  }
  return { common, providers: readings, own: ownValues, problems: [...new Set(problems)] };
}

interface Growing extends Reading {
  invalid: Set<SettingName>;
}

function copyOf({ values, invalid }: Reading = { values: {}, invalid: new Set() }): Growing {
  return { values: { ...values }, invalid: new Set(invalid) };
}

/** @returns what is wrong with it */
function readInto(
  { values, invalid }: Growing,
  name: SettingName,
  variable: string,
  env: NodeJS.ProcessEnv,
): string[] {
  const result = readSetting(name, variable, env);
  if ('value' in result) {
    Object.assign(values, { [name]: result.value });
    return [];
  }
  invalid.add(name);
  return result.problems;
}

type Result = { value: unknown } | { problems: string[] };

/** @param variable what holds it: the setting's name, or that with a provider's in it */
function readSetting(name: SettingName, variable: string, env: NodeJS.ProcessEnv): Result {
  const { schema, secret = false, ownOnly, hint, default: standard } = definitions[name];
  // One of several providers gives no roles unless somebody says where it has them.
  const fallback = ownOnly && variable !== name ? undefined : standard;
  const raw = rawValue(variable, { secret, fallback }, env);
  if ('problems' in raw) return raw;

  const { value } = raw;
  if (value === undefined) {
    return hint ? { problems: [`${variable} is missing. ${hint}`] } : { value: undefined };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data };
  const now = secret ? '' : shown(value);
  return { problems: parsed.error.issues.map(({ message }) => `${variable} ${message}${now}`) };
}

/** A setting of the site's own must be there where its schema does not take `undefined`. */
function readOwn(name: string, setting: OwnSetting, env: NodeJS.ProcessEnv): Result {
  const { schema, secret = false, meaning } = setting;
  const raw = rawValue(name, { secret, fallback: fallbackOf(setting, env) }, env);
  if ('problems' in raw) return raw;

  const result = parsed(schema, raw.value);
  if (result.success) return { value: result.data };
  const purpose = meaning.replace(/\.$/, '');
  if (raw.value === undefined) return { problems: [`${name} is missing: ${purpose}.`] };
  const now = secret ? '' : shown(raw.value);
  const problems = result.messages.map((message) => `${named(name, message)}${now}`);
  return { problems: problems.map((problem) => `${problem} What it is for: ${purpose}.`) };
}

/** What is set, else the default; undefined where there is neither. */
function rawValue(
  name: string,
  { secret, fallback }: { secret: boolean; fallback: string | undefined },
  env: NodeJS.ProcessEnv,
): { value: string | undefined } | { problems: string[] } {
  const raw = secret ? rawSecret(name, env) : { value: env[name] || undefined };
  if ('problems' in raw) return raw;
  const value = raw.value ?? fallback;
  if (value !== undefined && (value !== value.trim() || /\p{Cc}/u.test(value))) {
    return {
      problems: [`${name} has a space or a line break at its start, at its end or inside: remove it.`],
    };
  }
  return { value };
}

/** A message of ours goes on from the name (`must be …`). Zod's own are sentences without a full stop. */
function named(name: string, message: string): string {
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  return /^\p{Ll}/u.test(sentence) ? `${name} ${sentence}` : `${name}: ${sentence}`;
}

/** A secret is in NAME, or in the file that NAME_FILE names, as containers hand them over (ASVS 13.3.1). */
function rawSecret(
  name: string,
  env: NodeJS.ProcessEnv,
): { value: string | undefined } | { problems: string[] } {
  const direct = env[name] || undefined;
  const file = env[`${name}_FILE`] || undefined;
  if (file === undefined) return { value: direct };

  const content = readTextFile(file);
  const problems = [
    ...(direct !== undefined ? [`${name} and ${name}_FILE are both set: keep one of them.`] : []),
    ...(content === undefined
      ? [`${name}_FILE names a file that cannot be read: check its path and permissions.`]
      : []),
  ];
  if (content === undefined || problems.length > 0) return { problems };
  const value = content.replace(/\r?\n$/, '');
  return value === ''
    ? { problems: [`${name}_FILE names an empty file: put the secret into it.`] }
    : { value };
}

/** Undefined when there is no such file, or it is not a string of a sensible size. */
export function readTextFile(path: string): string | undefined {
  try {
    return readBounded(path, 100_000)?.toString('utf8');
  } catch {
    return undefined;
  }
}

/** A short, harmless value, repeated so that a slip is seen. Longer ones may be a secret in the wrong place. */
function shown(value: string): string {
  return /^[\w .+-]{1,20}$/.test(value) ? ` It is now "${value}".` : '';
}
