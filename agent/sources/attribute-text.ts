import { closeSync, openSync, readSync } from 'node:fs';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import { ATTRIBUTE_BYTES_MAX } from './sysfs-attribute.ts';

const buffer = Buffer.allocUnsafeSlow(ATTRIBUTE_BYTES_MAX);

/**
 * The text in a device's file with the blanks around it, cut off as `ATTRIBUTE_BYTES_MAX` says;
 * undefined if it cannot be read. A run of bytes that are not UTF-8 is one replacement character.
 */
export function attributeText(path: string): string | undefined {
  let descriptor = -1;
  try {
    descriptor = openSync(path, 'r');
    const length = readSync(descriptor, buffer, 0, ATTRIBUTE_BYTES_MAX, 0);
    return buffer.toString('utf8', 0, length).replace(/\uFFFD+/g, '\uFFFD');
  } catch {
    return undefined;
  } finally {
    if (descriptor !== -1) closeSync(descriptor);
  }
}

/** A label of the text in a device's file; empty if there is none. */
export function textLabel(label: string, path: string): Label {
  return [label, attributeText(path)?.trim() ?? ''];
}
