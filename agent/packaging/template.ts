import { readFile } from 'node:fs/promises';

const FOLDER = new URL('files/', import.meta.url);

/** A file of files/, with each `@NAME@` in it replaced; all names must be there, and known. */
export async function template(
  name: string,
  values: Readonly<Record<string, string>> = {},
): Promise<string> {
  const text = await readFile(new URL(name, FOLDER), 'utf8');
  const used = new Set<string>();
  const filled = text.replaceAll(/@([A-Z]+)@/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new TypeError(`${name} asks for ${key}`);
    used.add(key);
    return value;
  });
  const unused = Object.keys(values).filter((key) => !used.has(key));
  if (unused.length > 0) throw new TypeError(`${name} does not ask for ${unused.join(', ')}`);
  return filled;
}
