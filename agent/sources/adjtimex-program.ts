import type { HelperProgram } from './helper-process.ts';

/**
 * The number of the system call adjtimex by `process.arch`, from the kernel's tables
 * (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). Only 64-bit
 * architectures, which all have the same `struct timex`.
 */
const SYSCALLS: Readonly<Record<string, number>> = { x64: 159, arm64: 171, riscv64: 171 };

/** The bytes of `struct timex` (the kernel's include/uapi/linux/timex.h). */
const TIMEX_BYTES = 208;

/**
 * Programs that call adjtimex(2) for each line they read, with `modes` 0, which changes nothing.
 * They print what it returned, -1 if it failed, and the numbers of `struct timex` in their order,
 * and end when there is nothing left to read. None for an architecture that is not known.
 */
export function adjtimexPrograms(arch: string): readonly HelperProgram[] {
  const syscall = SYSCALLS[arch];
  if (syscall === undefined) return [];
  const perl = [
    'exit 1 if length(pack("L!", 0)) != 8;',
    '$| = 1;',
    'while (<STDIN>) {',
    `my $t = "\\0" x ${TIMEX_BYTES};`,
    `my $r = syscall(${syscall}, $t);`,
    'print join(" ", $r, unpack("i x4 q4 i x4 q8 i x4 q5 i", $t)), "\\n";',
    '}',
  ];
  const python = [
    'import ctypes, struct, sys',
    'if struct.calcsize("l") != 8: sys.exit(1)',
    'call = ctypes.CDLL(None).adjtimex',
    'for line in iter(sys.stdin.readline, ""):',
    `    t = ctypes.create_string_buffer(${TIMEX_BYTES})`,
    '    r = call(t)',
    '    print(r, *struct.unpack("i4x4qi4x8qi4x5qi44x", t), flush=True)',
  ];
  return [
    { file: 'perl', args: ['-e', perl.join(' ')] },
    { file: 'python3', args: ['-I', '-S', '-c', python.join('\n')] },
  ];
}
