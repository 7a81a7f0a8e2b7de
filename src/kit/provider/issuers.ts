import { issuerOfTenant } from '../config/tenants.ts';
import type { ProviderSettings } from './settings.ts';

type Settings = Pick<ProviderSettings, 'issuer' | 'allowedTenants'>;

/** Stands for each tenant in OIDC_ALLOWED_TENANTS, where it stands alone. */
export const everyTenant = '*';

/** Whether tokens and sessions with this `iss` are of this provider: of its issuer, or of a tenant that is let in. */
export function issues({ issuer, allowedTenants }: Settings, iss: string): boolean {
  if (allowedTenants.length === 0) return iss === issuer;
  return allowedTenants.includes(everyTenant)
    ? tenantIn(issuer, iss) !== undefined
    : allowedTenants.some((tenant) => issuerOfTenant(issuer, tenant) === iss);
}

/** The issuers whose sessions it may end; none can be listed where each tenant is let in. */
export function listedIssuers({ issuer, allowedTenants }: Settings): string[] {
  if (allowedTenants.length === 0) return [issuer];
  return allowedTenants
    .filter((tenant) => tenant !== everyTenant)
    .map((tenant) => issuerOfTenant(issuer, tenant));
}

/** A directory (tenant) ID, as tokens write it. */
export function isTenantId(tid: unknown): tid is string {
  return typeof tid === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(tid);
}

function tenantIn(issuer: string, iss: string): string | undefined {
  const [start = '', end = ''] = issuerOfTenant(issuer, '\n').split('\n');
  if (!iss.startsWith(start) || !iss.endsWith(end)) return undefined;
  const tenant = iss.slice(start.length, iss.length - end.length);
  return isTenantId(tenant) ? tenant : undefined;
}
