import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RollcallError } from '../../pipeline/error.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The time that everything built carries: SOURCE_DATE_EPOCH (seconds), else the commit's.
 * Source: reproducible-builds.org/specs/source-date-epoch
 *
 * @throws RollcallError `usage`, `build_date_unknown`
 */
export async function buildDate(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Date> {
  const given = env['SOURCE_DATE_EPOCH'] ?? '';
  if (given !== '') {
    if (/^\d{1,11}$/.test(given)) return new Date(Number(given) * 1000);
    throw new RollcallError('usage', 'SOURCE_DATE_EPOCH: expected seconds since 1970');
  }
  try {
    const { stdout } = await promisify(execFile)('git', ['log', '-1', '--format=%ct'], {
      cwd: ROOT,
    });
    return new Date(Number(stdout) * 1000);
  } catch (cause) {
    throw new RollcallError(
      'build_date_unknown',
      'there is no commit here whose time the packages could carry: set SOURCE_DATE_EPOCH',
      { cause },
    );
  }
}
