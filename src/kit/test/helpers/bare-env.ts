import { join } from 'node:path';
import { projectRoot } from '../../folders.ts';

const { PATH, HOME } = process.env;

/**
 * The environment of a program that a test starts. Not the rest of ours: vitest sets BASE_URL and NODE_ENV for itself.
 * Node keeps what it has compiled, so the next program of the same files starts in half the time.
 */
export const bareEnv = { PATH, HOME, NODE_COMPILE_CACHE: join(projectRoot, 'node_modules/.cache/node') };
