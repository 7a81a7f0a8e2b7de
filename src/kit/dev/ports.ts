import { once } from 'node:events';
import { createServer } from 'node:net';
import { type DevProviderKind, startedProviders } from './providers.ts';

/** Where the servers of `npm run dev` listen. The gallery is one above the API, and `social` two, if nothing else is set. */
export interface DevPorts extends Record<DevProviderKind, number> {
  app: number;
  api: number;
  gallery: number;
}

export function devPorts(env: NodeJS.ProcessEnv): DevPorts {
  const api = Number(env.DEV_API_PORT || 3002);
  return {
    app: Number(env.PORT || 3000),
    work: Number(env.DEV_PROVIDER_PORT || 3001),
    social: Number(env.DEV_SOCIAL_PORT || api + 2),
    api,
    gallery: api + 1,
  };
}

/**
 * What is wrong with the ports, a sentence for each; nothing listens on them yet. With providers of your own only the
 * app's port is used.
 */
export async function portProblems(env: NodeJS.ProcessEnv): Promise<string[]> {
  const wanted = wantedPorts(env);
  const misspelt = wanted.filter(({ setting, highest }) => highest && !isPort(env[setting], highest));
  if (misspelt.length > 0) {
    return misspelt.map(({ setting, highest }) => `${setting} must be a whole number from 1 to ${highest}.`);
  }
  const shared = wanted.flatMap((one, index) => sharedWith(one, wanted.slice(index + 1)));
  if (shared.length > 0) return shared;
  const taken: string[] = [];
  // One after the other: two questions about one port would find it taken by each other.
  for (const one of wanted) taken.push(...(await whyNotFree(one)));
  return taken;
}

interface Wanted {
  port: number;
  called: string;
  /** The setting that moves it. */
  setting: 'PORT' | 'DEV_PROVIDER_PORT' | 'DEV_SOCIAL_PORT' | 'DEV_API_PORT';
  /** What the setting may be at most; the gallery has no setting of its own. */
  highest?: number;
}

function wantedPorts(env: NodeJS.ProcessEnv): Wanted[] {
  const ports = devPorts(env);
  const own = (port: number, setting: Wanted['setting'], highest = 65_535): Wanted => ({
    ...{ port, called: setting, setting, highest },
  });
  const app = own(ports.app, 'PORT');
  const started = startedProviders(env).map(({ kind }) => kind);
  if (started.length === 0) return [app];
  const derived = started.includes('social') && !env.DEV_SOCIAL_PORT;
  return [
    app,
    ...(started.includes('work') ? [own(ports.work, 'DEV_PROVIDER_PORT')] : []),
    ...(started.includes('social') ? [own(ports.social, 'DEV_SOCIAL_PORT')] : []),
    own(ports.api, 'DEV_API_PORT', derived ? 65_533 : 65_534),
    { port: ports.gallery, called: 'the gallery (one above DEV_API_PORT)', setting: 'DEV_API_PORT' },
  ];
}

function isPort(value: string | undefined, highest: number): boolean {
  return !value || (/^[1-9]\d{0,4}$/.test(value) && Number(value) <= highest);
}

function sharedWith(one: Wanted, others: Wanted[]): string[] {
  return others
    .filter(({ port }) => port === one.port)
    .map(({ called, port }) => `${one.called} and ${called} are both ${port}. Give each a port of its own.`);
}

async function whyNotFree({ port, setting, highest }: Wanted): Promise<string[]> {
  const code = await refusal(port);
  if (!code) return [];
  const which = highest ? `Port ${port}` : `Port ${port}, for the gallery,`;
  const other = `${setting} to another port${highest ? '' : ': the gallery is one above it'}`;
  return code === 'EADDRINUSE'
    ? [`${which} is in use. Stop what listens there, or set ${other}.`]
    : [`${which} cannot be used (${code}). Set ${other}.`];
}

/**
 * Why nobody can listen on this port; undefined where it is free. Every address is asked: macOS and Windows let two
 * programs listen on one port at different addresses, and a browser that goes to localhost then meets the other one.
 */
async function refusal(port: number): Promise<string | undefined> {
  for (const host of ['127.0.0.1', '::1', '0.0.0.0', '::']) {
    const probe = createServer().listen({ port, host, ipv6Only: host.includes(':'), exclusive: true });
    try {
      await once(probe, 'listening');
      await new Promise((resolve) => probe.close(resolve));
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      // A machine without IPv6 has no such address.
      if (!['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'].includes(code)) return code;
    }
  }
  return undefined;
}
