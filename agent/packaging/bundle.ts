import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../../cli/agent-main.ts', import.meta.url));
export const BUNDLE_NAME = 'rollcall-agent.js';

export interface BundleOptions {
  readonly folder: string;
  readonly version: string;
}

/**
 * Makes the agent one JavaScript file that needs nothing but Node 20 or later, and returns its path.
 * Names are kept readable: whoever runs it as a service may want to read it.
 */
export async function bundleAgent({ folder, version }: BundleOptions): Promise<string> {
  const { build } = await import('esbuild');
  const outfile = join(folder, BUNDLE_NAME);
  await build({
    entryPoints: [ENTRY],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    banner: { js: '#!/usr/bin/env node' },
    plugins: [fixedVersion(version)],
  });
  return outfile;
}

/** There is no package.json beside the file to read the version from. */
function fixedVersion(version: string): Plugin {
  return {
    name: 'fixed-version',
    setup(build) {
      build.onLoad({ filter: /[\\/]cli[\\/]version\.ts$/ }, () => ({
        contents: `export const version = ${JSON.stringify(version)};`,
        loader: 'ts',
      }));
    },
  };
}
