import { reasonOf, RollcallError } from '../../pipeline/error.ts';

/** What to throw when a program that a Debian package brings is missing or has failed. */
export function programError(
  program: string,
  debianPackage: string,
  cause: unknown,
): RollcallError {
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
    const remedy = `install it with "apt-get install ${debianPackage}"`;
    return new RollcallError('program_missing', `${program} is missing: ${remedy}`, { cause });
  }
  return new RollcallError('build_failed', `${program}: ${reasonOf(cause).trim()}`, { cause });
}
