import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile, Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** In this order. */
const ENTRIES = ['./agent/packaging/node-version.ts', './cli/agent-main.ts'];
export const BUNDLE_NAME = 'rollcall-agent.js';

/**
 * Starts quickest as CommonJS. Where a package.json above it says that all scripts are modules, as
 * ours does, it is one, and has to make its own `require`.
 */
const BANNER = `#!/usr/bin/env node
"use strict";
var require = require ?? process.getBuiltinModule("module").createRequire(process.execPath);`;

export interface BundleOptions {
  readonly folder: string;
  readonly version: string;
}

/** What a bundle is made of: an npm package, or a folder of ours. */
export interface BundlePart {
  readonly name: string;
  /** Of its share of the bundle. */
  readonly bytes: number;
  /** The package's folder; undefined for what is ours. */
  readonly packageFolder: string | undefined;
}

export interface Bundle {
  readonly path: string;
  readonly bytes: number;
  /** The largest first. */
  readonly parts: readonly BundlePart[];
}

/**
 * Makes the agent one JavaScript file that needs nothing but Node 20 or later, and returns its path.
 * Names are kept readable: whoever runs it as a service may want to read it.
 */
export async function bundleAgent(options: BundleOptions): Promise<string> {
  return (await bundle(options)).path;
}

/** The same, with what is in it. The same sources give the same bytes. */
export async function bundle({ folder, version }: BundleOptions): Promise<Bundle> {
  const { build } = await import('esbuild');
  const path = join(folder, BUNDLE_NAME);
  const { metafile } = await build({
    stdin: {
      contents: ENTRIES.map((entry) => `import '${entry}';\n`).join(''),
      resolveDir: ROOT,
    },
    outfile: path,
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    banner: { js: BANNER },
    // The package without its search for native code, which is not there.
    alias: { msgpackr: 'msgpackr/pack' },
    plugins: [fixedVersion(version)],
  });
  return { path, bytes: (await stat(path)).size, parts: partsOf(metafile) };
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

function partsOf({ outputs }: Metafile): BundlePart[] {
  const parts = new Map<string, BundlePart>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const { name, packageFolder } = ownerOf(file);
      const bytes = (parts.get(name)?.bytes ?? 0) + bytesInOutput;
      parts.set(name, { name, bytes, packageFolder });
    }
  }
  return [...parts.values()].toSorted((a, b) => b.bytes - a.bytes);
}

/** Whose file it is: of the innermost npm package, or of one of our folders. */
function ownerOf(file: string): Pick<BundlePart, 'name' | 'packageFolder'> {
  const match = /^(.*node_modules\/)((?:@[^/]+\/)?[^/]+)\//.exec(file);
  if (match === null) {
    return { name: relative('', join(file, '..')), packageFolder: undefined };
  }
  return { name: match[2]!, packageFolder: join(ROOT, match[1]! + match[2]!) };
}
