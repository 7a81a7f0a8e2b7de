import { adviceOnHidden, hiddenFiles } from '../../src/kit/upgrade/hidden.ts';
import { kitFolder, kitJson } from '../../src/kit/upgrade/kit-file.ts';
import type { Plan } from './plan.ts';
import type { Project } from './project.ts';

/** What adopt did, what it left, and what is to do now. */
export function report(
  project: Project,
  plan: Plan,
  { hasGit, checked, exampleData }: { hasGit: boolean; checked: boolean; exampleData: string | undefined },
): string {
  const { changes, name, title, titled } = plan;
  const lines = [
    titled
      ? `This is ${name} now: "${title}".`
      : `This is ${name} now. The name in src/site.ts is yours already, so it stays.`,
    ...removed(project, plan),
    ...(exampleData
      ? [`- What was entered in the example is in ${exampleData} now. Nothing reads it any more.`]
      : []),
    ...kept(plan),
    ...readme(project, plan),
    changes.writes.has('.env')
      ? '- .env has a fresh SESSION_SECRET. Git leaves that file out.'
      : '- Your .env is as it was.',
    ...(changes.writes.has('.gitignore') ? ['- .gitignore leaves .env out of commits from now on.'] : []),
    '- Yours to write: the contact in SECURITY.md, and "license" in package.json if others get your code. LICENSE stays: its notice goes with the code of src/kit/.',
    ...(checked ? [] : ['- The types were not checked, because nothing is installed yet.']),
    `Next: \`npm ci\`, \`npm run check\` and \`npm test\`.${hasGit ? ' Look at the changes with `git diff`, and commit them.' : ''}`,
  ];
  const hidden = hiddenFiles(project.root, [kitJson, ...project.kit.files.keys()]);
  if (hidden.length > 0) lines.push('', adviceOnHidden(project.root, hidden, kitFolder));
  return lines.join('\n');
}

function removed({ lists }: Project, { changes: { deletes } }: Plan): string[] {
  const example = [...deletes].filter((path) => lists.example.has(path));
  const template = [...deletes].filter((path) => lists.templateOnly.has(path));
  const places = new Set(template.map((path) => path.replace(/^(docs\/)?([^/]+\/).*/, '$1$2')));
  return [
    ...(example.length > 0
      ? [
          `- The example is out: ${example.length} files, and the lines of src/site.ts that end in "// example".`,
        ]
      : []),
    ...(places.size > 0
      ? [
          `- What only the template needs is gone: ${[...places].join(', ')}, and its scripts in package.json.`,
        ]
      : []),
  ];
}

function kept({ staying, inventory, keepExamples }: Plan): string[] {
  const files = [...staying.files].map(([path, why]) => `    ${path} (${why})`);
  const lines = inventory.lines.filter((line) => line.isExample && staying.lines.has(line));
  return [
    ...(keepExamples ? ['- The example stays.'] : []),
    ...(files.length > 0 ? ['- These files stay:', ...files] : []),
    ...(lines.length > 0
      ? ['- These lines of src/site.ts stay:', ...lines.map(({ text }) => `    ${text.trim()}`)]
      : []),
  ];
}

function readme({ has }: Project, { changes }: Plan): string[] {
  if (changes.writes.has('README.md')) return ['- README.md is a short one for your app. Go on with it.'];
  return has('README.md') ? ['- Your README.md stays as it is.'] : [];
}
