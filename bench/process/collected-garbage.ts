/** What a line of a runtime's trace says its collector has freed; undefined for any other line. */
export type GarbageLine = (line: string) => number | undefined;

const MIB = 1024 * 1024;

/** `[1:0x…] 42 ms: Scavenge 5.2 (6.3) -> 4.1 (7.3) MB, …` of V8's `--trace-gc`. */
export const v8Garbage: GarbageLine = (line) => {
  const [, before, after] = / ms: .*? (\d+\.\d+) \(.*?\) -> (\d+\.\d+) \(/.exec(line) ?? [];
  return before === undefined ? undefined : (Number(before) - Number(after)) * MIB;
};

/** `gc 7 @1.2s 0%: …, 4->5->1 MB, …` of Go's `GODEBUG=gctrace=1`. */
export const goGarbage: GarbageLine = (line) => {
  const [, before, live] = /^gc \d+ .* \d+->(\d+)->(\d+) MB/.exec(line) ?? [];
  return before === undefined ? undefined : (Number(before) - Number(live)) * MIB;
};
