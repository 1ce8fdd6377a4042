/**
 * Flags of Node for a component. Messages and blocks lie outside V8's heap, many megabytes a second, and count towards its
 * next look for garbage: with a small heap there would be more than one a second.
 */
export function nodeFlags(component: string): readonly string[] {
  return component === 'writer' || component === 'alerter'
    ? ['--max-semi-space-size=8', '--initial-old-space-size=512']
    : [];
}
