/**
 * What arrives lies outside V8's heap, many megabytes a second, and would have all of the heap looked at every 64 MB: it is
 * counted as memory like any other, and that may grow by half before V8 looks again. Left to itself V8 looks far more often: an
 * alerter of 50,000 hosts spent more than half of its time so (docs/performance.md).
 */
const EXTERNAL_IS_MEMORY_LIKE_ANY = [
  '--external-memory-accounted-in-global-limit',
  '--heap-growing-percent=50',
];

/**
 * Flags of Node for a component. Objects of one flush live until it is over: with a young generation of 1 MB they were all carried into
 * the old one.
 */
export function nodeFlags(component: string): readonly string[] {
  switch (component) {
    case 'writer':
    case 'alerter':
      return [
        ...EXTERNAL_IS_MEMORY_LIKE_ANY,
        '--max-semi-space-size=8',
        '--initial-old-space-size=96',
      ];
    case 'collector':
      return EXTERNAL_IS_MEMORY_LIKE_ANY;
    default:
      return [];
  }
}
