import { readFileSync } from 'node:fs';
import { projectRoot } from './project-root.ts';

const file = new URL('package.json', projectRoot);

/** The version of this Rollcall, from package.json. */
export const version: string = (JSON.parse(readFileSync(file, 'utf8')) as { version: string })
  .version;
