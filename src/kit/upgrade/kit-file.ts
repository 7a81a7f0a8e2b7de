import { createHash } from 'node:crypto';
import { isSharedPlace, isStartPlace, objectionToName, objectionToSharing } from './names.ts';
import { Refusal } from './refusal.ts';
import { isVersion } from './versions.ts';

export const kitFolder = 'src/kit/';
export const kitJson = `${kitFolder}kit.json`;
/** The template's CHANGELOG.md, which an upgrade leaves in the copy. No hash is kept of it. */
export const kitChangelog = `${kitFolder}CHANGELOG.md`;

/** Whether kit.json has the hash of a file as one of the kit's. */
export function isOfKit(path: string): boolean {
  return path.startsWith(kitFolder) && path !== kitJson && path !== kitChangelog;
}

/** The parts of package.json that a template and its copies have in common. */
export const packageParts = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'scripts',
  'imports',
  'engines',
  'allowScripts',
] as const;

export type PackageParts = { [part in (typeof packageParts)[number]]?: Record<string, unknown> };

/** What kit.json says: which version this is, and how each file was when it left the template. */
export interface Kit {
  name: string;
  version: string;
  /** Every file of the kit but kit.json → the SHA-256 of its content with LF line endings. */
  files: Map<string, string>;
  /** The same for the files outside the kit that template and copy share. */
  shared: Map<string, string>;
  /** What it lists as shared outside the places that template and copy share. It is not taken. */
  elsewhere: string[];
  /** The files that a copy begins with and that are the site's own. Undefined where it does not list them. */
  start: Map<string, string> | undefined;
  /** Those of the example, which a copy may have kept. */
  example: Map<string, string>;
  /** These parts of the template's package.json: an upgrade tells by them what the site changed. */
  package: PackageParts | undefined;
}

/** @throws Refusal that begins with `where`, the name for this kit.json in a sentence */
export function readKit(text: string, where: string): Kit {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw new Refusal(`${where} cannot be read as JSON.`);
  }
  if (!isRecord(json) || typeof json.name !== 'string' || !isVersion(json.version))
    throw new Refusal(`${where} has no name and version.`);
  const kit: Kit = {
    name: json.name,
    version: json.version,
    files: readHashes(json.files, `"files" of ${where}`),
    shared: readHashes(json.shared, `"shared" of ${where}`),
    elsewhere: [],
    start: json.start === undefined ? undefined : readStart(json.start, `"start" of ${where}`),
    example: json.example === undefined ? new Map() : readStart(json.example, `"example" of ${where}`),
    package: isRecord(json.package) ? (json.package as PackageParts) : undefined,
  };
  for (const path of kit.files.keys()) {
    if (!isOfKit(path)) throw new Refusal(`${where} lists "${path}" as a file of the kit, which it is not.`);
  }
  for (const path of kit.shared.keys()) {
    const objection = objectionToSharing(path);
    if (objection) throw new Refusal(`${where} shares "${path}", which ${objection}.`);
    if (!isSharedPlace(path)) kit.elsewhere.push(path);
  }
  for (const path of kit.elsewhere) kit.shared.delete(path);
  return kit;
}

/** The SHA-256 of a file, the same on every system: git gives text files CRLF line endings on Windows. */
export function hashOf(content: Buffer): string {
  return createHash('sha256').update(withLf(content)).digest('hex');
}

export function withLf(content: Buffer): Buffer {
  if (!content.includes('\r\n')) return content;
  return Buffer.from(content.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readStart(value: unknown, where: string): Map<string, string> {
  return new Map([...readHashes(value, where)].filter(([path]) => isStartPlace(path)));
}

function readHashes(value: unknown, where: string): Map<string, string> {
  if (!isRecord(value)) throw new Refusal(`${where} is not a list of files.`);
  return new Map(
    Object.entries(value).map(([path, hash]) => {
      const objection = objectionToName(path);
      if (objection) throw new Refusal(`${where} names "${path}": the name ${objection}.`);
      if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash))
        throw new Refusal(`${where} has no SHA-256 for "${path}".`);
      return [path, hash];
    }),
  );
}
