/**
 * Checks deploy/kubernetes against Kubernetes' API: the values by its schemas, and by its types that no field has an
 * unknown name, as a cluster would drop such a field with a warning. Where the packages that hold both can't be fetched,
 * that is said and no failure; with --required it is one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** They are large, and needed for this alone: so in a folder that is deleted again, not among the dependencies. */
const models = 'kubernetes-models@5.1.0';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=0'];
const install = spawnSync('npm', ['install', '--prefix', folder, ...options, models], { timeout: 90_000 });
if (install.status !== 0) {
  console.log(`deploy/kubernetes: not checked against the API, as ${models} could not be installed.`);
  process.exit(process.argv.includes('--required') ? 1 : 0);
}

const problems: string[] = [];
const typed: string[] = [];
for (const path of globSync('deploy/kubernetes/*.yaml', { cwd: root })) {
  // Octal numbers and the like as a cluster reads them.
  for (const document of parseAllDocuments(readFileSync(join(root, path), 'utf8'), { version: '1.1' })) {
    const object = document.toJS();
    if (object.kind === 'Kustomization') continue;
    const name = `kubernetes-models/${object.apiVersion}/${object.kind}`;
    const file = join(folder, 'node_modules', `${name}.js`);
    // A kind that is not Kubernetes' own (a CustomResourceDefinition) is left to the cluster.
    if (!existsSync(file)) continue;
    const { [object.kind]: Model } = await import(pathToFileURL(file).href);
    try {
      new Model(object).validate();
    } catch (error) {
      problems.push(`${path}: ${(error as Error).message}`);
    }
    typed.push(
      `// ${path}\nconst _${typed.length}: import('${name}').I${object.kind} = ${JSON.stringify(object, null, 2)};\n`,
    );
  }
}
const source = join(folder, 'manifests.ts');
writeFileSync(source, `${typed.join('\n')}\nexport {};\n`);
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const typeOptions = [
  '--noEmit',
  '--strict',
  '--skipLibCheck',
  '--module',
  'nodenext',
  '--ignoreConfig',
  source,
];
const types = spawnSync(process.execPath, [compiler, ...typeOptions], { cwd: folder, encoding: 'utf8' });
if (types.status !== 0) problems.push(types.stdout + types.stderr);

console.log(
  problems.join('\n') || `deploy/kubernetes: ${typed.length} objects, as Kubernetes' API has them.`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
