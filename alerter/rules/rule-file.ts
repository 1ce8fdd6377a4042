import type { Node } from 'yaml';
import type { Problem } from './problem.ts';
import { byKey, readDuration, readLabels, readName, readRule, readText } from './rule-reader.ts';
import type { AlertRule, RuleGroup } from './rule.ts';
import { YamlReader, offsetOf, type Entry } from './yaml-reader.ts';

export const FILE_BYTES_MAX = 1024 * 1024;
export const RULES_PER_FILE_MAX = 10_000;

const GROUP_KEYS = ['name', 'interval', 'limit', 'query_offset', 'labels', 'rules'] as const;

/** The rules of a file, or everything that is wrong with it. */
export interface RuleFile {
  /** Empty when there are problems: a file is taken whole or not at all. */
  readonly groups: readonly RuleGroup[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
}

/**
 * Reads a rule file of Prometheus and checks all of it, as its package rulefmt does: every problem
 * comes back with line and column, in the expression or template itself where it is one of those.
 *
 * Refused, because they would otherwise mean something else than in Prometheus: recording rules,
 * `limit` and `query_offset` other than 0, and whatever `parseExpression` and `compileTemplate`
 * refuse. `interval` is checked and ignored (see `RuleGroup`).
 *
 * @param text the file's content, at most `FILE_BYTES_MAX`.
 * @param fileName for the problems and groups; nothing is read from it.
 * @see https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
 */
export function parseRuleFile(text: string, fileName: string): RuleFile {
  const reader = new YamlReader(text.startsWith('\ufeff') ? text.slice(1) : text, fileName);
  const groups: RuleGroup[] = [];
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    reader.fault(0, `a rule file has at most ${FILE_BYTES_MAX} bytes`, 'split it');
  } else {
    const root = reader.root();
    if (root !== undefined && !reader.isNull(root)) readGroups(reader, root, fileName, groups);
  }
  const problems = reader.problems();
  return { groups: problems.length > 0 ? [] : groups, problems };
}

function readGroups(reader: YamlReader, root: Node, file: string, groups: RuleGroup[]): void {
  const list = reader.entries(root, 'a rule file', ['groups'])?.[0];
  if (list?.value === undefined || list.value === null || reader.isNull(list.value)) return;
  const names = new Set<string>();
  let rulesLeft = RULES_PER_FILE_MAX;
  for (const node of reader.items(list.value, 'groups')) {
    const { group, ruleCount } = readGroup(reader, node, file, names, rulesLeft);
    if (group !== undefined) groups.push(group);
    rulesLeft = Math.max(0, rulesLeft - ruleCount);
    if (reader.isTooLong) return;
  }
}

function readGroup(
  reader: YamlReader,
  node: Node,
  file: string,
  names: Set<string>,
  rulesMax: number,
): { readonly group?: RuleGroup; readonly ruleCount: number } {
  const entries = byKey(reader.entries(node, 'a group', GROUP_KEYS));
  if (entries === undefined) return { ruleCount: 0 };
  const name = readGroupName(reader, node, entries.get('name'), names);
  readDuration(reader, entries.get('interval'));
  refuseLimit(reader, entries.get('limit'));
  refuseQueryOffset(reader, entries.get('query_offset'));
  const context = { group: name, labels: readLabels(reader, entries.get('labels')) };
  const list = entries.get('rules')?.value;
  const isEmpty = list === undefined || list === null || reader.isNull(list);
  const nodes = isEmpty ? [] : reader.items(list, 'rules');
  const tooMany = nodes[rulesMax];
  if (tooMany !== undefined) {
    reader.fault(offsetOf(tooMany), `a rule file has at most ${RULES_PER_FILE_MAX} rules`);
  }
  const rules: AlertRule[] = [];
  for (const rule of nodes.slice(0, rulesMax)) {
    const read = readRule(reader, rule, context);
    if (read !== undefined) rules.push(read);
    if (reader.isTooLong) break;
  }
  return { group: { name, file, rules }, ruleCount: nodes.length };
}

function readGroupName(
  reader: YamlReader,
  node: Node,
  entry: Entry | undefined,
  names: Set<string>,
): string {
  const text = readName(reader, entry, offsetOf(node), 'this group has no name');
  if (text === undefined) return '';
  if (names.has(text.value)) {
    reader.fault(text.start, `another group of this file is named ${JSON.stringify(text.value)}`);
  }
  names.add(text.value);
  return text.value;
}

function refuseLimit(reader: YamlReader, entry: Entry | undefined): void {
  const text = readText(reader, entry);
  if (text === undefined || /^[-+]?0+$/.test(text.value)) return;
  reader.fault(text.start, 'limit is not supported yet', 'leave it out or set it to 0');
}

function refuseQueryOffset(reader: YamlReader, entry: Entry | undefined): void {
  const offsetMs = readDuration(reader, entry);
  if (offsetMs === undefined || offsetMs === 0 || entry?.value === undefined) return;
  if (entry.value === null) return;
  const what = 'query_offset is not supported yet';
  reader.fault(offsetOf(entry.value), what, 'leave it out or set it to 0');
}
