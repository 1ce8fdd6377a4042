import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';

const run = promisify(execFile);
const VERSION = /\d+\.\d+\.\d+[\w.+~-]*/;

/** The version that a program prints, else that of the Debian package which it was unpacked from, else `unknown`. */
export async function printedVersion(program: string, flag: string): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, [flag]);
    return VERSION.exec(stdout + stderr)?.[0] ?? packageVersion(program);
  } catch {
    return packageVersion(program);
  }
}

/** Debian Policy, section 12.7: the changelog's first line names the package and its version. */
function packageVersion(program: string): string {
  const documents = join(dirname(program), '../share/doc');
  try {
    for (const folder of readdirSync(documents)) {
      const text = gunzipSync(readFileSync(join(documents, folder, 'changelog.Debian.gz')));
      const found = VERSION.exec(text.toString('utf8').split('\n', 1)[0]!)?.[0];
      if (found !== undefined) return found;
    }
  } catch {
    // It was not unpacked, and says nothing of itself.
  }
  return 'unknown';
}
