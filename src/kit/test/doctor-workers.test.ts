import { expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { checkWorkers } from '../doctor/workers.ts';

const settings = {
  ...{
    OIDC_ISSUER: 'https://login.example.com',
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_SECRET: 'c1ient-s3cret-value',
  },
  ...{ SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE', REDIS_URL: 'redis://localhost' },
};
const findings = (WORKERS: string, cpus: number) => [
  ...checkWorkers(loadConfig({ ...settings, WORKERS }), cpus),
];

test('the doctor says how many processes will run, and warns where that is more than the CPUs', () => {
  expect(findings('1', 1)).toEqual([]);
  expect(findings('2', 2)).toEqual([
    { check: 'workers', state: 'ok', text: 'the app runs 2 processes. 2 CPUs can be used here.' },
  ]);
  expect(findings('3', 1)).toEqual([
    {
      ...{ check: 'workers', state: 'warning', text: 'WORKERS is 3, and 1 CPU can be used here.' },
      hint: 'More processes than CPUs only take memory. If the app runs on this machine, set WORKERS=auto.',
    },
  ]);
});
