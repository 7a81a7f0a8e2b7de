/**
 * Asks the npm registry whether each installed package is the one that was published: its signature, and where there is
 * one, its attestation. Where it can't be asked (no network, a mirror that passes none on), that is said and no failure.
 * GitHub's workflow runs `npm audit signatures` itself, which fails there too.
 */
import { spawnSync } from 'node:child_process';

interface Answer {
  error?: { code?: string; summary?: string };
  invalid?: { name: string; version: string }[];
  missing?: { name: string; version: string }[];
}

// No second try: it would take a minute to say that there is no network.
const options = ['audit', 'signatures', '--json', '--fetch-retries=0', '--fetch-timeout=20000'];
const asked = spawnSync('npm', options, { encoding: 'utf8', timeout: 90_000 });
const { error, invalid = [], missing = [] } = read(asked.stdout);
const wrong = [
  ...invalid.map(({ name, version }) => `${name}@${version}: the signature is wrong`),
  ...missing.map(({ name, version }) => `${name}@${version}: there is no signature`),
];
if (wrong.length > 0) {
  console.error(`Packages that may not be what was published:\n${wrong.join('\n')}`);
  process.exitCode = 1;
} else if (asked.status === 0 && !error) {
  console.log('Signatures of packages: all are valid.');
} else {
  const why = error?.summary ?? error?.code ?? `npm ended with ${asked.signal ?? asked.status}`;
  console.log(`Signatures of packages: not checked, as the registry could not be asked (${why}).`);
}

function read(output: string): Answer {
  try {
    return JSON.parse(output);
  } catch {
    return { error: { summary: 'no answer' } };
  }
}
