import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { projectRoot } from '../../folders.ts';
import { sharedFile } from './docs.ts';

/** What a YAML file holds, read for what a test looks at. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the file says; a path that is not there fails the test
export type Loose = any;

/** The documents of a YAML file. Two keys of one name are a mistake, as a cluster would drop one of them. */
export function yamlOf(text: string): Loose[] {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

export const manifestFolder = 'deploy/kubernetes';

/** Each object in deploy/kubernetes, by its file; undefined where an app's owner has changed one, or taken them out. */
export function manifests(): { file: string; object: Loose }[] | undefined {
  const folder = join(projectRoot, manifestFolder);
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  const texts = files.map((file) => sharedFile(`${manifestFolder}/${file}`));
  if (texts.includes(undefined)) return undefined;
  return files.flatMap((file, index) => yamlOf(texts[index] ?? '').map((object) => ({ file, object })));
}
