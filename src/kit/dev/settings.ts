import { randomBytes } from 'node:crypto';
import type { DevPorts } from './ports.ts';

/** The scope that the sample API asks for. */
export const apiScope = 'notes.read';

/** The app's registration at the development provider. Known to everyone: it opens nothing but that provider. */
export const devClient = { id: 'web-app', secret: 'development-only-secret-of-the-sample-web-app' };

/**
 * What the app is started with in development, where `.env` does not say otherwise. With an issuer of
 * your own only what every provider needs.
 */
export function appEnvironment(env: NodeJS.ProcessEnv, ports: DevPorts): NodeJS.ProcessEnv {
  const common = {
    PORT: String(ports.app),
    BASE_URL: `http://localhost:${ports.app}`,
    // New at each `npm run dev`, the same over the app's restarts: sign-ins and sessions survive those.
    SESSION_SECRET: randomBytes(32).toString('base64url'),
  };
  const provider = {
    OIDC_ISSUER: `http://localhost:${ports.provider}`,
    OIDC_CLIENT_ID: devClient.id,
    OIDC_CLIENT_SECRET: devClient.secret,
    OIDC_SCOPE: `openid profile email offline_access ${apiScope}`,
    API_URL: `http://localhost:${ports.api}`,
  };
  const said = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  if (env.SESSION_SECRET_FILE) delete (common as Partial<typeof common>).SESSION_SECRET;
  return { ...common, ...said, ...(!env.OIDC_ISSUER && provider), NODE_ENV: 'development' };
}
