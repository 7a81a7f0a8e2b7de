import { errors } from 'oidc-provider';

/** The features of a real provider that knows these resources, each with its scopes (RFC 8707); its access tokens are JWTs. */
export function resourcesOf(known: Readonly<Record<string, string>>) {
  return {
    resourceIndicators: {
      enabled: true,
      // An access token of the sign-in itself opens userinfo only.
      defaultResource: async () => undefined as unknown as string,
      useGrantedResource: async () => false,
      async getResourceServerInfo(_ctx: unknown, resource: string) {
        const scope = known[resource];
        if (scope === undefined) throw new errors.InvalidTarget();
        return { scope, accessTokenFormat: 'jwt' as const, jwt: { sign: { alg: 'RS256' as const } } };
      },
    },
  };
}
