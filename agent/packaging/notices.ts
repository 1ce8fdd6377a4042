import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RollcallError } from '../../pipeline/error.ts';
import type { BundlePart } from './bundle.ts';

interface Manifest {
  readonly version: string;
  readonly license?: string;
}

/** The licences of the npm packages in a bundle, which want to be told along with it. */
export async function noticesOf(parts: readonly BundlePart[]): Promise<string> {
  const folders = parts
    .map(({ name, packageFolder }) => ({ name, folder: packageFolder }))
    .filter((part): part is { name: string; folder: string } => part.folder !== undefined)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const notices: string[] = [];
  for (const { name, folder } of folders) notices.push(await noticeOf(name, folder));
  return `Rollcall's agent contains these packages.\n\n${notices.join('\n')}`;
}

async function noticeOf(name: string, folder: string): Promise<string> {
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  const { version, license } = JSON.parse(text) as Manifest;
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined || license === undefined) {
    throw new RollcallError('licence_missing', `the package ${name} comes without its licence`);
  }
  const licence = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n').trim();
  const title = `${name} ${version} (${license})`;
  return `${title}\n${'='.repeat(title.length)}\n\n${licence}\n`;
}
