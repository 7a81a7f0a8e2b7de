import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DecryptionKey } from './decryption-keys.ts';
import { type ClientKey, publicPemOf } from './key-file.ts';
import type { ProviderNames } from './provider-names.ts';
import type { Reading } from './read.ts';
import type { ProviderSettingName } from './settings.ts';
import { issuerOfTenant } from './tenants.ts';

export interface OneOfSeveral extends Reading {
  names: ProviderNames;
  keys: readonly ClientKey[];
  decryption: { keys: readonly DecryptionKey[] };
}

/**
 * What two providers must not have in common: who they are, or what this app proves itself with. An assertion that one of
 * them gets could be shown to the other (RFC 9700 §4.4; draft-ietf-oauth-rfc7523bis).
 */
export function betweenProviders(all: readonly OneOfSeveral[]): string[] {
  return all.flatMap((one, index) =>
    all.slice(0, index).flatMap((earlier) => {
      const pair = (setting: ProviderSettingName) =>
        `${earlier.names.variable(setting)} and ${one.names.variable(setting)}`;
      return [
        ...(isSameIssuer(earlier, one)
          ? [`${pair('OIDC_ISSUER')} name the same provider: each needs an issuer of its own.`]
          : []),
        ...keysInCommon(earlier, one),
        ...(sharesAssertion(earlier, one)
          ? [
              `${pair('OIDC_CLIENT_ASSERTION_FILE')} name the same file: have the platform issue a token for each provider.`,
            ]
          : []),
      ];
    }),
  );
}

function isSameIssuer(a: OneOfSeveral, b: OneOfSeveral): boolean {
  const [issuersOfA, issuersOfB] = [issuersOf(a), issuersOf(b)];
  return issuersOfA.some((one) => issuersOfB.some((other) => fits(one, other) || fits(other, one)));
}

/**
 * With or without a slash at its end, or the port that https has anyway, it is one provider. One of Entra's shared issuers
 * is each of its tenants'.
 */
function issuersOf({ values: { OIDC_ISSUER, OIDC_ALLOWED_TENANTS } }: OneOfSeveral): string[] {
  if (!OIDC_ISSUER) return [];
  const issuer = new URL(OIDC_ISSUER).href.replace(/\/$/, '').toLowerCase();
  const tenants = OIDC_ALLOWED_TENANTS ?? [];
  return [issuer, ...tenants.map((tenant) => issuerOfTenant(issuer, tenant))];
}

/** `*` stands for each tenant. */
function fits(pattern: string, issuer: string): boolean {
  const [start = '', end] = pattern.split('*');
  return end === undefined ? pattern === issuer : issuer.startsWith(start) && issuer.endsWith(end);
}

/** One that decrypts for one of them must not sign for the other either. */
function keysInCommon(earlier: OneOfSeveral, one: OneOfSeveral): string[] {
  const all = ({ names, keys, decryption }: OneOfSeveral) => [
    { variable: names.variable('OIDC_DECRYPTION_KEY_FILE'), keys: decryption.keys },
    { variable: names.variable('OIDC_CLIENT_KEY_FILE'), keys },
  ];
  return all(earlier).flatMap((theirs) =>
    all(one)
      .filter(({ keys }) => shareKey(theirs.keys, keys))
      .map(
        ({ variable }) =>
          `${theirs.variable} and ${variable} have a key in common: make each provider a key of its own.`,
      ),
  );
}

function shareKey(keysOfA: readonly DecryptionKey[], keysOfB: readonly DecryptionKey[]): boolean {
  const known = new Set(keysOfA.map(({ pem }) => publicPemOf(pem)));
  return keysOfB.some(({ pem }) => known.has(publicPemOf(pem)));
}

function sharesAssertion(a: OneOfSeveral, b: OneOfSeveral): boolean {
  const [ofA, ofB] = [a, b].map(({ values }) => values.OIDC_CLIENT_ASSERTION_FILE);
  return ofA !== undefined && ofB !== undefined && realPath(ofA) === realPath(ofB);
}

/** The file behind a link; one that is not there yet goes by its path. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
