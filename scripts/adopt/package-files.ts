import { inACopy } from '../../src/kit/upgrade/as-adopted.ts';
import { isRecord } from '../../src/kit/upgrade/kit-file.ts';
import { Refusal } from '../../src/kit/upgrade/refusal.ts';
import { prune } from './lock.ts';

type Json = Record<string, unknown>;

export interface PackageChange {
  name: string;
  /** As package.json was when the copy was made. */
  template: { version: string; description: unknown; scripts: Json };
  /** The files that go. */
  gone: ReadonlySet<string>;
  /** The packages that only these imported. */
  unused: ReadonlySet<string>;
}

/** The version that a copy begins with. The template's is in kit.json. */
export const firstVersion = '0.1.0';

/** package.json of the copy, and package-lock.json in step with it. What the copier added or changed stays. */
export function changePackageFiles(
  packageText: string,
  lockText: string | undefined,
  change: PackageChange,
): { packageText: string; lockText: string | undefined } {
  const json = asCopy(parse(packageText, 'package.json'), change);
  const lock = lockText === undefined ? undefined : lockFor(parse(lockText, 'package-lock.json'), json);
  return { packageText: print(json), lockText: lock && print(lock) };
}

function asCopy({ ...json }: Json, { name, template, gone, unused }: PackageChange): Json {
  json.name = name;
  if (json.version === template.version) json.version = firstVersion;
  if (json.description === template.description) delete json.description;
  // Under which licence the copy is, its owner says; LICENSE stays, as the template's notice goes with its code.
  if (json.license === 'MIT') delete json.license;
  json.scripts = withoutGone(isRecord(json.scripts) ? json.scripts : {}, template.scripts, gone);
  if (isRecord(json.devDependencies))
    json.devDependencies = Object.fromEntries(
      Object.entries(json.devDependencies).filter(([dependency]) => !unused.has(dependency)),
    );
  return json;
}

/** Without the scripts that run a file that is gone, and without calls of these; the others as a copy has them. */
function withoutGone(scripts: Json, template: Json, gone: ReadonlySet<string>): Json {
  const runsGone = (command: string) => command.split(/\s+/).some((word) => gone.has(word));
  const parts = (command: unknown) => String(command).split(/\s*&&\s*/);
  // Adopting happens once, so its script goes even where its file was edited and stays.
  const removed = Object.keys(template).filter(
    (name) => name === 'adopt' || (scripts[name] === template[name] && parts(scripts[name]).every(runsGone)),
  );
  const callsRemoved = (command: string) => removed.includes(/^npm run ([\w:-]+)/.exec(command)?.[1] ?? '');
  const kept = Object.entries(scripts).filter(([name]) => !removed.includes(name));
  return Object.fromEntries(
    kept.map(([name, command]) => {
      const left = parts(command).filter((part) => !runsGone(part) && !callsRemoved(part));
      if (left.length === parts(command).length)
        return [name, command === template[name] ? inACopy(String(command)) : command];
      return [name, left.join(' && ')];
    }),
  );
}

function lockFor(lock: Json, { name, version, ...json }: Json): Json {
  if (!isRecord(lock.packages) || !isRecord(lock.packages['']))
    throw new Refusal(
      'package-lock.json is not as npm writes it. Make it again with `npm install`, and commit.',
    );
  const { license, dependencies, devDependencies, ...rest } = lock.packages[''];
  const root = {
    name,
    version,
    ...(json.license !== undefined && { license }),
    ...(dependencies !== undefined && { dependencies }),
    ...(isRecord(devDependencies) && { devDependencies: pick(devDependencies, json.devDependencies) }),
    ...pick(rest, rest, ['name', 'version']),
  };
  const packages = prune({ ...lock.packages, '': root });
  const { name: _name, version: _version, packages: _packages, ...others } = lock;
  return { name, version, ...others, packages };
}

function pick(from: Json, like: unknown, except: readonly string[] = []): Json {
  const names = isRecord(like) ? Object.keys(like) : [];
  return Object.fromEntries(
    Object.entries(from).filter(([name]) => names.includes(name) && !except.includes(name)),
  );
}

/** @throws Refusal that names the file */
export function parse(text: string, file: string): Json {
  try {
    const json = JSON.parse(text.replace(/^\ufeff/, ''));
    if (isRecord(json)) return json;
  } catch {}
  throw new Refusal(`${file} cannot be read as JSON. Correct it first.`);
}

function print(json: Json): string {
  return `${JSON.stringify(json, null, 2)}\n`;
}
