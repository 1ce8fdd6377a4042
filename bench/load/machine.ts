import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { version } from '../../cli/version.ts';
import type { Store } from '../../pipeline/store/store.ts';
import type { Machine } from './load-report.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What was measured, and on what. */
export async function describeMachine(store: Store, natsProgram: string): Promise<Machine> {
  const [row] = await store.rows<{ version: string }>('SELECT version() AS version');
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memory_bytes: totalmem(),
    kernel: release(),
    versions: {
      node: process.versions.node,
      nats: printed(natsProgram, '--version').replace(/^nats-server: v/, ''),
      clickhouse: row?.version ?? 'unknown',
      rollcall: version,
    },
    commit: commit(),
  };
}

function commit(): string {
  const name = printed('git', '-C', ROOT, 'rev-parse', '--short', 'HEAD');
  if (name === 'unknown') return name;
  return printed('git', '-C', ROOT, 'status', '--porcelain') === '' ? name : `${name}-dirty`;
}

function printed(program: string, ...args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}
