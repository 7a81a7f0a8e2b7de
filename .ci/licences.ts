/**
 * Part of `npm run check`: every package of the lockfiles has a licence from this list, or is named below with a
 * reason. In an app that was made from the template the others are only named: which licences an app may use, its owner
 * decides.
 */
import { globSync, readFileSync } from 'node:fs';

const permissive = new Set(
  'MIT MIT-0 ISC BSD-2-Clause BSD-3-Clause 0BSD Apache-2.0 BlueOak-1.0.0 Python-2.0 Zlib Unlicense CC0-1.0'.split(
    ' ',
  ),
);

/** Packages with another licence that may be here, and why. */
const accepted: Record<string, string> = {
  'axe-core': 'MPL-2.0, used as it is and in tests only',
  lightningcss: 'MPL-2.0, used as it is and by the test runner only',
};

interface Package {
  license?: string;
  link?: boolean;
}

// This project's, and those of folders with packages of their own.
const lockfiles = globSync(['../package-lock.json', '../*/package-lock.json'], { cwd: import.meta.dirname });
const packages = lockfiles.flatMap((file) => {
  const lockfile = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
  return Object.entries<Package>(lockfile.packages).filter(([path, { link }]) => path && !link);
});
const refused = packages.flatMap(([path, { license = 'no licence' }]) => {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const family = Object.keys(accepted).find((one) => name === one || name.startsWith(`${one}-`));
  return family || isPermissive(license) ? [] : [`${name}: ${license}`];
});

if (refused.length > 0) {
  console.error(`Licences that nobody has looked at:\n${refused.join('\n')}`);
  if (nameIn('../package.json') === nameIn('../src/kit/kit.json')) process.exitCode = 1;
}

function nameIn(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).name;
}

/** An SPDX expression: of `A OR B` one is enough, of `A AND B` both count. */
function isPermissive(expression: string): boolean {
  const terms = expression.replace(/[()]/g, '');
  return terms
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((term) => permissive.has(term.trim())));
}
