import { securityControls } from './security-controls.ts';

// `npm run controls`: the security controls as Markdown, each with the tests that show it.

for (const [subject, controls] of Object.entries(securityControls)) {
  console.log(`## ${subject}\n\n| requirement | level | what | shown by |\n|---|---|---|---|`);
  for (const { id, level, what, tests = [] } of controls) {
    const shown = tests.map((one) => one.replace(/^(\S+): (.*)$/, '`$1` $2').replaceAll('|', '\\|'));
    console.log(`| ${id} | ${level ?? ''} | ${what} | ${shown.join('<br>') || '**whoever runs the app**'} |`);
  }
  console.log();
}
