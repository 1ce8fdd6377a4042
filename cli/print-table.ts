/** Prints rows as aligned columns on standard output. Text from elsewhere is made harmless first. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const safe = rows.map((row) => row.map(harmless));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...safe.map((row) => row[column]!.length)),
  );
  for (const row of [header, ...safe]) {
    const line = row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ');
    process.stdout.write(`${line.trimEnd()}\n`);
  }
}

/** Control characters, among them those that move the cursor, become visible. */
function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}');
}
