/** The guides that a README may lead to: the file's name in docs/, and what it is for. */
const guides: Record<string, string> = {
  'guide.md': 'build your app: pages, forms, data, settings, tests',
  'operations.md': 'run it in production, and what to do when something fails',
  'reference.md': 'details for operators: log lines, metrics, Redis, keys',
  'settings.md': 'every setting',
  'texts.md': 'every sentence that you can replace',
  'providers.md': 'recipes for identity providers',
  'design.md': 'how it works, and why',
  'conformance.md': 'the test suite, servers and browsers it was tried with',
};

/** The README that a copy begins with, short, for its owner to go on with. */
export function readmeFor(title: string, hasGuide: (file: string) => boolean): string {
  const links = Object.entries(guides)
    .filter(([file]) => hasGuide(file))
    .map(([file, what]) => `- [docs/${file}](docs/${file}): ${what}`);
  return `# ${title}

A web app whose users sign in with OpenID Connect.

## Start

\`\`\`sh
npm ci
npm run dev
\`\`\`

Open the address printed in the console, press “Sign in” and sign in as \`alice\`. A development identity provider starts with the app, so you need no account and no network. To try two of them, put \`OIDC_PROVIDERS=work,social\` into \`.env\`. To use your own provider, put its settings into \`.env\`, then run \`npm run doctor\`.

## Test

\`\`\`sh
npm run check
npm test
\`\`\`

\`npm run check\` checks types, format and dependencies. \`npm test\` runs the tests in \`test/\`; \`npm run test:kit\` and \`npm run test:slow\` run those in \`src/kit/\`.

## Change

Start in [src/site.ts](src/site.ts). \`src/kit/\` carries the app; you don't edit it, so that a newer version can replace it:

\`\`\`sh
npm run upgrade -- <folder or git address of the template>
\`\`\`
${links.length > 0 ? `\n## Read on\n\n${links.join('\n')}\n` : ''}`;
}
