/*
 * Stands before everything else in the bundle: Debian 12's own Node.js, for one, is too old, and
 * what is said of it then should not be a stack trace.
 */

const NODE_MAJOR_MIN = 20;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `rollcall-agent: Node.js ${process.versions.node} is too old; ` +
      `install ${NODE_MAJOR_MIN} or later, or name one in ROLLCALL_NODE\n`,
  );
  process.exit(1);
}
