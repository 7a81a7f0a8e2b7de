import { Refusal } from '../../src/kit/upgrade/refusal.ts';

export interface Wishes {
  /** The name for package.json: `my-app`. */
  name: string;
  keepExamples: boolean;
}

const usage = 'npm run adopt -- my-app';
const keep = '--keep-examples';

/** @throws Refusal in one sentence */
export function readArguments(args: readonly string[], templateName: string): Wishes {
  const [names, options] = [
    args.filter((one) => !one.startsWith('-')),
    args.filter((one) => one.startsWith('-')),
  ];
  const unknown = options.find((one) => one !== keep);
  if (unknown !== undefined)
    throw new Refusal(`There is no option ${shown(unknown)}, only ${keep}: ${usage} ${keep}`);
  const [name, ...more] = names;
  if (name === undefined) throw new Refusal(`Say what your app is called: ${usage}`);
  if (more.length > 0) throw new Refusal(`Give one name, with hyphens in place of spaces: ${usage}`);
  // npm takes options that stand before its two hyphens for its own. Then the example would go against the wish.
  if (options.length === 0 && process.env.npm_config_keep_examples)
    throw new Refusal(
      `Put two hyphens before the name, or npm takes the option for its own: ${usage} ${keep}`,
    );
  const objection = objectionTo(name, templateName);
  if (objection) throw new Refusal(`${objection}: ${usage}`);
  return { name, keepExamples: options.length > 0 };
}

/** `my-app` → `My app` */
export function titleOf(name: string): string {
  const words = name.replaceAll(/[._-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function objectionTo(name: string, templateName: string): string | undefined {
  if (name === templateName) return 'That is the name of the template; give your app a name of its own';
  if (name.length > 100) return 'A name has at most 100 characters';
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
    return 'A name consists of lower-case letters, digits and hyphens, and begins with a letter or a digit';
  // npm takes no package of these names.
  if (['node_modules', 'favicon.ico'].includes(name))
    return `The name ${name} is one that npm does not allow`;
  return undefined;
}

function shown(option: string): string {
  return JSON.stringify(option.slice(0, 40));
}
