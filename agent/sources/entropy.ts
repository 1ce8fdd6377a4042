import type { SourceFactory } from '../source.ts';
import { NumberFile } from './number-file.ts';
import { sourceFromParts } from './source-parts.ts';

/** `/proc/sys/kernel/random`, see random(4). */
export const entropySource: SourceFactory = (paths) => {
  const file = (file: string, name: string, help: string, seldom = false): NumberFile =>
    new NumberFile(
      `${paths.procfs}/sys/kernel/random/${file}`,
      'entropy',
      [{ metric: { name: `node_entropy_${name}`, kind: 'gauge', unit: 'bits', help } }],
      { seldom },
    );
  return sourceFromParts('entropy', [
    file('entropy_avail', 'available_bits', 'Bits of entropy that the kernel has gathered.'),
    file('poolsize', 'pool_size_bits', 'Bits of entropy that the kernel can hold.', true),
  ]);
};
