import { mkdir, readFile } from 'node:fs/promises';
import { buildDate } from './build-date.ts';
import { bundle, type Bundle, type BundleOptions } from './bundle.ts';
import { noticesOf } from './notices.ts';

const ROOT = new URL('../../', import.meta.url);

/** What all packages of the agent are made from. */
export interface BuiltAgent {
  readonly version: string;
  readonly bundle: Bundle;
  /** The bundle's bytes. */
  readonly script: Uint8Array;
  /** The licences of the packages in the bundle. */
  readonly notices: string;
  /** Our own licence. */
  readonly licence: string;
  /** The project's CHANGELOG.md. */
  readonly changes: string;
  /** The time that every file carries. */
  readonly date: Date;
}

/**
 * Bundles the agent into a folder and gathers what goes along with it.
 *
 * @throws RollcallError `usage`, `build_date_unknown`, `licence_missing`
 */
export async function buildAgent(options: BundleOptions): Promise<BuiltAgent> {
  const date = await buildDate();
  await mkdir(options.folder, { recursive: true });
  const made = await bundle(options);
  return {
    version: options.version,
    bundle: made,
    script: await readFile(made.path),
    notices: await noticesOf(made.parts),
    licence: await readFile(new URL('LICENSE', ROOT), 'utf8'),
    changes: await readFile(new URL('CHANGELOG.md', ROOT), 'utf8'),
    date,
  };
}
