import { readSync } from 'node:fs';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import { closeQuietly, openQuietly } from './quiet-files.ts';
import { ATTRIBUTE_BYTES_MAX } from './sysfs-attribute.ts';

const buffer = Buffer.allocUnsafeSlow(ATTRIBUTE_BYTES_MAX);

/**
 * The text in a device's file with the blanks around it, cut off as `ATTRIBUTE_BYTES_MAX` says;
 * undefined if it cannot be read. A run of bytes that are not UTF-8 is one replacement character.
 */
export function attributeText(path: string): string | undefined {
  const descriptor = openQuietly(path);
  if (descriptor === -1) return undefined;
  try {
    const length = readSync(descriptor, buffer, 0, ATTRIBUTE_BYTES_MAX, 0);
    return buffer.toString('utf8', 0, length).replace(/\uFFFD+/g, '\uFFFD');
  } catch {
    return undefined;
  } finally {
    closeQuietly(descriptor);
  }
}

/** A label of the text in a device's file; empty if there is none. */
export function textLabel(label: string, path: string): Label {
  return [label, attributeText(path)?.trim() ?? ''];
}
