import { mixed } from './random.ts';

/** Agents draw other numbers than the runner, whose seed is the same. */
const SEED_SALT = 0x5eed;

/** The seed of one host's readings, whatever it speaks. */
export function hostSeed(seed: number, index: number): number {
  return mixed(seed ^ SEED_SALT) + index;
}
