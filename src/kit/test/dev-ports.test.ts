import type { Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { devPorts, portProblems } from '../dev/ports.ts';
import { type DevPorts, freeDevPorts, occupy } from './helpers/dev-process.ts';

const occupants: Server[] = [];

afterEach(async () => {
  await Promise.all(occupants.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe('the ports of npm run dev', () => {
  test('are 3000 and the four above it where nothing is set', () => {
    expect(devPorts({})).toEqual({ app: 3000, work: 3001, api: 3002, gallery: 3003, social: 3004 });
    expect(devPorts({ PORT: '', DEV_API_PORT: '4000' })).toMatchObject({
      app: 3000,
      gallery: 4001,
      social: 4002,
    });
  });

  test('are good when they are free', async () => {
    expect(await portProblems(settings(await freeDevPorts()))).toEqual([]);
  });

  test.each(['abc', '0', '70000', '-1', '3001.5', '0x1000', ' 3001', '1e3', '65536', '9'.repeat(10_000)])(
    'are refused as %j, whichever it is',
    async (value) => {
      const ports = await freeDevPorts();
      for (const name of ['PORT', 'DEV_PROVIDER_PORT', 'DEV_SOCIAL_PORT', 'DEV_API_PORT']) {
        const highest = name === 'DEV_API_PORT' ? 65_534 : 65_535;
        expect(await portProblems({ ...settings(ports), [name]: value })).toEqual([
          `${name} must be a whole number from 1 to ${highest}.`,
        ]);
      }
    },
  );

  test('leave a port for the gallery, one above that of the API', async () => {
    const env = { ...settings(await freeDevPorts()), DEV_API_PORT: '65535' };
    expect(await portProblems(env)).toEqual(['DEV_API_PORT must be a whole number from 1 to 65534.']);
  });

  test('leave a port for the second provider, two above that of the API where nothing else is set', async () => {
    const { DEV_SOCIAL_PORT, ...env } = settings(await freeDevPorts());
    expect(await portProblems({ ...env, DEV_API_PORT: '65534' })).toEqual([
      'DEV_API_PORT must be a whole number from 1 to 65533.',
    ]);
    const work = { ...env, OIDC_PROVIDERS: 'work', DEV_API_PORT: '65535' };
    expect(await portProblems(work)).toEqual(['DEV_API_PORT must be a whole number from 1 to 65534.']);
  });

  test('are all different', async () => {
    const ports = await freeDevPorts();
    expect(await portProblems({ ...settings(ports), DEV_PROVIDER_PORT: `${ports.app}` })).toEqual([
      `PORT and DEV_PROVIDER_PORT are both ${ports.app}. Give each a port of its own.`,
    ]);
    expect(await portProblems({ ...settings(ports), PORT: `${ports.api + 1}` })).toEqual([
      `PORT and the gallery (one above DEV_API_PORT) are both ${ports.api + 1}. Give each a port of its own.`,
    ]);
  });

  test.each(['127.0.0.1', '::1', '0.0.0.0', '::'])(
    'are taken when somebody listens on %s alone',
    async (host) => {
      const ports = await freeDevPorts();
      occupants.push(await occupy(ports.provider, host));
      expect(await portProblems(settings(ports))).toEqual([
        `Port ${ports.provider} is in use. Stop what listens there, or set DEV_PROVIDER_PORT to another port.`,
      ]);
    },
  );

  test('are named each when several are taken, the gallery by its own name', async () => {
    const ports = await freeDevPorts();
    occupants.push(await occupy(ports.app), await occupy(ports.api + 1));
    expect(await portProblems(settings(ports))).toEqual([
      `Port ${ports.app} is in use. Stop what listens there, or set PORT to another port.`,
      `Port ${ports.api + 1}, for the gallery, is in use. Stop what listens there, or set DEV_API_PORT to another port: the gallery is one above it.`,
    ]);
  });

  test('of a provider that is not started do not matter', async () => {
    const ports = await freeDevPorts();
    occupants.push(await occupy(ports.social));
    expect(await portProblems({ ...settings(ports), OIDC_PROVIDERS: 'work' })).toEqual([]);
    expect(await portProblems({ ...settings(ports), OIDC_PROVIDERS: 'work,social' })).toEqual([
      `Port ${ports.social} is in use. Stop what listens there, or set DEV_SOCIAL_PORT to another port.`,
    ]);
  });

  test('other than that of the app do not matter with providers of your own', async () => {
    const ports = await freeDevPorts();
    occupants.push(await occupy(ports.provider));
    const env = { ...settings(ports), DEV_API_PORT: 'abc', OIDC_ISSUER: 'https://login.example.com' };
    expect(await portProblems(env)).toEqual([]);
    const { OIDC_ISSUER, ...others } = env;
    const issuers = { OIDC_GOOGLE_ISSUER: 'https://a.example', OIDC_CONTOSO_ISSUER: 'https://b.example' };
    expect(await portProblems({ ...others, ...issuers, OIDC_PROVIDERS: 'google,contoso' })).toEqual([]);
  });
});

function settings({ app, provider, social, api }: DevPorts): NodeJS.ProcessEnv {
  return {
    ...{ PORT: `${app}`, DEV_PROVIDER_PORT: `${provider}` },
    ...{ DEV_SOCIAL_PORT: `${social}`, DEV_API_PORT: `${api}` },
  };
}
