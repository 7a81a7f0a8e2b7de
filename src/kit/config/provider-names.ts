import { type ProviderSettingName, perProvider, type SettingName, settings } from './settings.ts';

// With OIDC_PROVIDERS=work,google each setting of a provider is read as OIDC_WORK_…, OIDC_GOOGLE_…. Rules, checks and
// hints are written with the plain names, as for one provider; here they get the names that somebody has to look for.

/** What a provider is called where there is one, without a name. */
export const unnamed = 'default';

export interface ProviderNames {
  /** As in OIDC_PROVIDERS; `default` for the one without a name. */
  readonly provider: string;
  /** The variable that holds a setting of this provider, or should. */
  variable(setting: ProviderSettingName): string;
  /** A sentence with the plain names of settings in it, with their variables' names instead. */
  inFull(text: string): string;
}

/** Of the one provider without a name. */
export const plainNames: ProviderNames = {
  provider: unnamed,
  variable: (setting) => setting,
  inFull: (text) => text,
};

/** @param env says which settings the provider has of its own, and which it shares */
export function namesOfProvider(provider: string, env: NodeJS.ProcessEnv): ProviderNames {
  const variable = (setting: ProviderSettingName) => {
    const own = ownVariable(provider, setting);
    const isSet = (name: string) =>
      Boolean(env[name] || (perProvider[setting].secret && env[`${name}_FILE`]));
    return !isSet(own) && !perProvider[setting].ownOnly && isSet(setting) ? setting : own;
  };
  return {
    provider,
    variable,
    inFull: (text) =>
      text.replace(/\bOIDC_[A-Z][A-Z_]*/g, (name) => {
        const setting = name in perProvider ? name : name.replace(/_FILE$/, '');
        if (!isOfProvider(setting)) return name;
        return variable(setting) + name.slice(setting.length);
      }),
  };
}

/** `OIDC_WORK_CLIENT_ID` */
export function ownVariable(provider: string, setting: string): string {
  return setting.replace('OIDC_', `OIDC_${provider.toUpperCase()}_`);
}

function isOfProvider(name: string): name is ProviderSettingName {
  return Object.hasOwn(perProvider, name);
}

/** Names that no provider may have: `OIDC_CLIENT_ID` would be two settings. */
export function isReserved(name: string): boolean {
  return (
    name === unnamed ||
    settings.some(
      (each) => each.name.split('_')[0] === 'OIDC' && each.name.split('_')[1] === name.toUpperCase(),
    )
  );
}

/** What is wrong with the names in OIDC_PROVIDERS, and with what stands without a name beside them. */
export function providerNameProblems(names: readonly string[], env: NodeJS.ProcessEnv): string[] {
  const taken = names.filter(isReserved);
  const alone = Object.entries(perProvider).flatMap(([name, { ownOnly, secret }]) =>
    ownOnly ? [name, ...(secret ? [`${name}_FILE`] : [])].filter((each) => env[each]) : [],
  );
  return [
    ...taken.map(
      (name) =>
        `OIDC_PROVIDERS must not contain "${name}", which means something else here. Take another name.`,
    ),
    ...alone.map((name) => {
      const own = names
        .filter((each) => !isReserved(each))
        .map((each) => ownVariable(each, name))
        .join(', ');
      return `${name} is never shared by the providers in OIDC_PROVIDERS: set ${own} instead.`;
    }),
  ];
}

/** All names that a setting may have, without and with a provider's. */
export function variablesOf(name: SettingName, providers: readonly string[]): string[] {
  return isOfProvider(name) ? [name, ...providers.map((each) => ownVariable(each, name))] : [name];
}
