import type { Test } from 'tap';
import type { HostPaths } from '../../source.ts';

type Tree = NonNullable<Parameters<Test['testdir']>[0]>;

/** A host's file trees below the test's directory. */
export function fixture(t: Test, trees: { proc?: Tree; sys?: Tree; root?: Tree }): HostPaths {
  const { proc = {}, sys = {}, root = {} } = trees;
  const directory = t.testdir({ proc, sys, root });
  return {
    procfs: `${directory}/proc`,
    sysfs: `${directory}/sys`,
    rootfs: `${directory}/root`,
  };
}
