/** Of an issuer that serves many tenants (Microsoft Entra), the part of its address that stands for one of them. */
const anyTenant = /\/(common|organizations)(?=\/|$)/;

/** The issuer of one tenant of such an issuer; any other issuer as it is. */
export function issuerOfTenant(issuer: string, tenant: string): string {
  return issuer.replace(anyTenant, () => `/${tenant}`);
}
