import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashAt } from '../../src/kit/upgrade/compare.ts';
import { isRecord, type Kit, kitFolder, kitJson, readKit } from '../../src/kit/upgrade/kit-file.ts';
import { objectionToName } from '../../src/kit/upgrade/names.ts';
import { Refusal } from '../../src/kit/upgrade/refusal.ts';
import { walk } from '../../src/kit/upgrade/tree.ts';

/** What kit.json says to adopt: each file with its SHA-256, by which an edited one is known. */
export interface TemplateLists {
  description: unknown;
  example: Map<string, string>;
  templateOnly: Map<string, string>;
  rewritten: Map<string, string>;
}

/** The copy, before anything is changed. */
export interface Project {
  root: string;
  kit: Kit;
  lists: TemplateLists;
  /** Code and views, the kit's included, by path: what may name another file or a package. */
  sources: Map<string, string>;
  has(path: string): boolean;
  read(path: string): string;
  /** Whether a file is other than the template's. */
  isEdited(path: string): boolean;
}

export function readProject(root: string): Project {
  const has = (path: string) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
  if (!existsSync(join(root, kitJson)))
    throw new Refusal(
      `There is no ${kitJson} here, which lists what belongs to the example. Restore it from git.`,
    );
  const text = readFileSync(join(root, kitJson), 'utf8');
  const [kit, json] = [readKit(text, kitJson), JSON.parse(text)];
  const lists = {
    description: json.description,
    example: hashesOf(json, 'example'),
    templateOnly: hashesOf(json, 'templateOnly'),
    rewritten: hashesOf(json, 'rewritten'),
  };
  const hashes = new Map([...lists.example, ...lists.templateOnly, ...lists.rewritten]);
  return {
    root,
    kit,
    lists,
    sources: sourcesBelow(root),
    has,
    read: (path) => readFileSync(join(root, path), 'utf8'),
    isEdited: (path) => hashAt(root, path) !== hashes.get(path),
  };
}

/** The settings that the site's tests run with. */
export const testSettings = 'test/settings.env';

export function isOfTheKit(path: string): boolean {
  return path.startsWith(kitFolder);
}

function hashesOf(json: Record<string, unknown>, key: string): Map<string, string> {
  const value = json[key];
  if (!isRecord(value)) throw new Refusal(`${kitJson} has no "${key}". Restore it from git.`);
  for (const path of Object.keys(value)) {
    const objection = objectionToName(path);
    if (objection)
      throw new Refusal(`${kitJson} names "${path}": the name ${objection}. Restore it from git.`);
  }
  return new Map(Object.entries(value).map(([path, hash]) => [path, String(hash)]));
}

function sourcesBelow(root: string): Map<string, string> {
  const sources = new Map<string, string>();
  walk(root, '', (path, { kind }) => {
    const isSource =
      kind === 'file' &&
      (/\.([cm]?[jt]sx?|ejs)$/.test(path) || path === testSettings) &&
      !path.includes('/node_modules/');
    if (isSource) sources.set(path, readFileSync(join(root, path), 'utf8'));
  });
  return sources;
}
