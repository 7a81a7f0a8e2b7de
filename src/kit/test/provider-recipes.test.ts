import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { type ConfigError, loadConfig, settings } from '../config/index.ts';
import { ownVariable, variablesOf } from '../config/provider-names.ts';
import type { SettingName } from '../config/settings.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { kitDoc } from './helpers/docs.ts';

// docs/providers.md: what it says to set can be set. Where an app's owner has changed or deleted it, it is theirs.

const text = kitDoc('docs/providers.md') ?? '';
const recipes = text
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const name = section.slice(0, section.indexOf('\n'));
    const blocks = [...section.matchAll(/```ini\n([\s\S]*?)```/g)].map(([, block = '']) => fillIn(block));
    return blocks.map((block, index) => ({
      ...{ name: blocks.length > 1 ? `${name}, example ${index + 1}` : name, section, block },
    }));
  })
  .map((recipe) => ({ ...recipe, env: parseEnv(recipe.block) }));

/** Something for each blank that a recipe leaves. */
function fillIn(recipe: string): string {
  return recipe
    .replaceAll(/<[^>\n]*(GUID|application id|user pool id)>/g, '11111111-2222-4333-8444-555555555555')
    .replaceAll(/<[^>\n]+>/g, 'example')
    .replaceAll('…', 'id.');
}

/**
 * As `docker run --env-file` reads a file: a line that begins with # is a comment, and all that follows the first =
 * is the value, quotes and comments included.
 */
function asDockerReads(block: string): Record<string, string> {
  const lines = block.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

const others = {
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'c1ient-s3cret-value',
  SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
};

/** The same where a recipe has several providers, each with an id and a secret of its own. */
function othersFor({ OIDC_PROVIDERS }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (OIDC_PROVIDERS === undefined) return others;
  const { OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, SESSION_SECRET } = others;
  const own = OIDC_PROVIDERS.split(',').flatMap((name) => [
    [ownVariable(name, 'OIDC_CLIENT_ID'), OIDC_CLIENT_ID],
    [ownVariable(name, 'OIDC_CLIENT_SECRET'), `${OIDC_CLIENT_SECRET}-${name}`],
  ]);
  return { SESSION_SECRET, ...Object.fromEntries(own) };
}

const folder = mkdtempSync(join(tmpdir(), 'recipes-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A recipe without a secret has none, and the files that it names are there. */
function credentialsOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (!/^(private_key_jwt|workload_identity)$/.test(env.OIDC_CLIENT_AUTH ?? '')) return {};
  const { key, cert } = makeCertificate({
    keys: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    issuer: makeCertificate({ name: 'Authority' }),
  });
  const files = { OIDC_CLIENT_KEY_FILE: key, OIDC_CLIENT_CERT_FILE: cert };
  const named = Object.entries(files).filter(([name]) => env[name] !== undefined);
  const paths = named.map(([name, content]) => {
    writeFileSync(join(folder, name), content);
    return [name, join(folder, name)];
  });
  return { OIDC_CLIENT_SECRET: undefined, ...Object.fromEntries(paths) };
}

describe.skipIf(text === '')('the recipe for', () => {
  test.each(recipes.filter(({ name }) => !name.startsWith('FAPI')))('$name can be set', ({ env }) => {
    expect(Object.keys(env)).toContainEqual(expect.stringMatching(/^OIDC_(\w+_)?ISSUER$/));
    expect(problems({ ...othersFor(env), ...env, ...credentialsOf(env) })).toEqual([]);
  });

  test.each([
    ['FAPI 2.0 set of settings', []],
    ['FAPI 2.0 Message Signing', ['OIDC_DECRYPTION_KEY_FILE']],
  ])('%s lacks the issuer and keys that are there, and nothing else', (title, more) => {
    const env = recipes.find(({ name }) => name === title)?.env ?? {};
    const { OIDC_CLIENT_SECRET: _, ...rest } = others;
    const complaints = problems({ ...rest, ...env, REDIS_URL: 'rediss://redis.example.com' });
    expect(complaints.map((complaint) => complaint.split(' ')[0]).sort()).toEqual(
      ['OIDC_CLIENT_KEY_FILE', 'OIDC_ISSUER', ...more].sort(),
    );
  });
});

test.each(recipes)(
  'the recipe for $name reads the same in .env and with docker run --env-file',
  ({ block, env }) => {
    expect(asDockerReads(block)).toEqual({ ...env });
  },
);

test.each(recipes)(
  'the recipe for $name says how the provider requires PKCE and the secret',
  ({ section }) => {
    expect(section).toMatch(/PKCE and secret: /);
  },
);

test('every setting that is named exists', () => {
  const providers = recipes.flatMap(({ env }) => env.OIDC_PROVIDERS?.split(',') ?? []);
  const names = new Set(
    settings.flatMap(({ name, secret }) => {
      const all = variablesOf(name as SettingName, providers);
      return secret ? all.flatMap((each) => [each, `${each}_FILE`]) : all;
    }),
  );
  for (const [name] of text.matchAll(/\bOIDC_[A-Z_]+|\bSESSION_[A-Z_]+/g)) expect(names).toContain(name);
});
