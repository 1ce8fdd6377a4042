import {
  configEnv,
  configFlag,
  type NamedSetting,
  sectionNames,
  settingsOf,
} from './named-setting.ts';
import { sections } from './settings.ts';

const introduction = `# Settings

A setting has the value of its flag, else of its environment variable, else of the YAML file, else
its default. The file is named by \`${configFlag} FILE\` or \`${configEnv}\`; keys it does not know are
refused. An empty variable counts as unset. A list is a list in YAML; elsewhere its entries are
parted by commas, and a flag may be repeated instead.

In the command of a section's own name the flag may leave the section out: \`rollcall agent --listen\`
is \`--agent-listen\` there.

Durations are written \`500ms\`, \`15s\`, \`1h30m\`, \`7d\` or \`2w\`; sizes \`512KiB\`, \`1GB\` or a plain
number of bytes.
`;

const header = ['YAML key', 'Flag', 'Variable', 'Type', 'Range', 'Default', 'Meaning'];

/** The reference of all settings as Markdown, a table for each section. */
export function settingsReference(): string {
  const parts = sectionNames.map((name) => {
    const { title, help } = sections[name];
    return `## ${title}\n\n${help}\n\n${table([header, ...settingsOf(name).map(row)])}`;
  });
  return [introduction, ...parts].join('\n');
}

function row({ setting, yaml, flag, env }: NamedSetting): string[] {
  const { name, unit, range } = setting.type;
  const type = setting.list ? `list of ${name}` : name;
  const given = setting.default === undefined || setting.default === '' ? '' : setting.default;
  return [
    code(yaml),
    code(flag),
    code(env),
    unit === '' ? type : `${type}, ${unit}`,
    range,
    given === '' ? setting.unset : code(given),
    setting.secret ? `${setting.help} Secret: never shown.` : setting.help,
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A Markdown table with its columns aligned. */
function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |\n`;
  const [head, ...body] = cells.map(line);
  return `${head}${line(widths.map((width) => '-'.repeat(width)))}${body.join('')}`;
}
