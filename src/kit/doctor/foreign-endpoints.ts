import type { ProviderConfig } from '../config/index.ts';
import { originOf } from '../provider/metadata.ts';
import { type Finding, failed, said } from './finding.ts';
import { listed } from './listed.ts';

/** Metadata that names what another provider has: a way to have codes or tokens sent there (mix-up, RFC 9700 §4.4). */
export function checkForeign(
  metadata: Record<string, unknown>,
  others: readonly ProviderConfig[],
): Finding | undefined {
  const foreign = foreignEndpoints(metadata, others);
  if (foreign.length === 0) return undefined;
  const whose = [...new Set(foreign.map(({ owner, origin }) => `${owner} (${origin})`))];
  const which = foreign.map(({ endpoint }) => endpoint);
  return failed(
    'discovery',
    `the metadata cannot be used: it names ${said(listed(which))} at the address of ${listed(whose)}, and nothing is sent there for this provider.`,
    'Have it name endpoints of its own. Nobody can sign in with it until then; if its operator did not expect this, do not trust it, and remove it from OIDC_PROVIDERS.',
  );
}

interface Foreign {
  endpoint: string;
  /** The name of the other provider, and where it lives: for users, or for this server alone. */
  owner: string;
  origin: string;
}

/** What the metadata names at the origins of other providers. */
function foreignEndpoints(metadata: Record<string, unknown>, others: readonly ProviderConfig[]): Foreign[] {
  const { mtls_endpoint_aliases: aliases } = metadata;
  const named = [
    ...Object.entries(metadata),
    ...Object.entries(aliases ?? {}).map(
      ([name, address]) => [`mtls_endpoint_aliases.${name}`, address] as const,
    ),
  ];
  return named.flatMap(([endpoint, address]) => {
    if (!/_(endpoint|uri)$/.test(endpoint)) return [];
    const origin = originOf(address);
    const owner = others.find(
      ({ issuer, internalUrl }) => new URL(issuer).origin === origin || internalUrl === origin,
    );
    return owner && origin ? [{ endpoint, owner: owner.name, origin }] : [];
  });
}
