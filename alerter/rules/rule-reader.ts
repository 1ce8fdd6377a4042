import type { Node } from 'yaml';
import { LABELS_PER_SERIES_MAX, LABEL_NAME_BYTES_MAX } from '../../pipeline/wire/catalogue.ts';
import { parseExpression } from '../promql/parser.ts';
import { conditionOf } from './condition.ts';
import { parseDuration } from '../promql/duration.ts';
import type { AlertRule } from './rule.ts';
import { compileTemplate, type Template } from './template.ts';
import { offsetOf, type Entry, type YamlReader } from './yaml-reader.ts';
import type { SourceText } from './yaml-scalar.ts';

/** What a rule takes from its group. */
export interface RuleContext {
  readonly group: string;
  readonly labels: Readonly<Record<string, Template>>;
}

const NAME_LENGTH_MAX = 1024;
const ANNOTATIONS_PER_RULE_MAX = 32;

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const RULE_KEYS = [
  'alert',
  'record',
  'expr',
  'for',
  'keep_firing_for',
  'labels',
  'annotations',
] as const;

/** Reads one rule, with the checks of Prometheus' package rulefmt; undefined when it has faults. */
export function readRule(
  reader: YamlReader,
  node: Node,
  context: RuleContext,
): AlertRule | undefined {
  const entries = byKey(reader.entries(node, 'a rule', RULE_KEYS));
  if (entries === undefined) return undefined;
  const record = entries.get('record');
  if (record !== undefined && !reader.isNull(record.value)) {
    refuseRecord(reader, record, entries.has('alert'));
    return undefined;
  }
  const alert = readName(reader, entries.get('alert'), offsetOf(node), 'this rule has no alert');
  const expression = readExpression(reader, node, entries.get('expr'));
  const forMs = readDuration(reader, entries.get('for'));
  const keepFiringForMs = readDuration(reader, entries.get('keep_firing_for'));
  const labels = readLabels(reader, entries.get('labels'));
  const annotations = readTemplates(reader, entries.get('annotations'), ANNOTATIONS_PER_RULE_MAX);
  if (alert === undefined || expression === undefined) return undefined;
  return {
    group: context.group,
    alert: alert.value,
    ...expression,
    forMs: forMs ?? 0,
    keepFiringForMs: keepFiringForMs ?? 0,
    labels: Object.assign(emptyRecord(), context.labels, labels),
    annotations,
  };
}

/** Entries to look up; undefined for undefined. */
export function byKey(entries: readonly Entry[] | undefined): Map<string, Entry> | undefined {
  return entries && new Map(entries.map((entry) => [entry.key, entry]));
}

/** A duration in milliseconds; undefined when there is none, or it has faults. */
export function readDuration(reader: YamlReader, entry: Entry | undefined): number | undefined {
  const text = readText(reader, entry);
  if (text === undefined) return undefined;
  const duration = parseDuration(text.value);
  return duration.ok ? duration.value : reader.faultsIn(text, duration.faults);
}

/**
 * The name of a rule or a group; undefined when it has faults.
 *
 * @param missing what to say when there is none, at the key or else at `offset`.
 */
export function readName(
  reader: YamlReader,
  entry: Entry | undefined,
  offset: number,
  missing: string,
): SourceText | undefined {
  if (entry === undefined || reader.isNull(entry.value)) {
    return reader.fault(entry?.keyOffset ?? offset, missing);
  }
  const text = readText(reader, entry);
  if (text?.value === '') return reader.fault(text.start, missing);
  if (text !== undefined && text.value.length > NAME_LENGTH_MAX) {
    return reader.fault(text.start, `the name is longer than ${NAME_LENGTH_MAX} characters`);
  }
  return text;
}

/** Labels of a rule or a group, each a template. */
export function readLabels(
  reader: YamlReader,
  entry: Entry | undefined,
): Readonly<Record<string, Template>> {
  return readTemplates(reader, entry, LABELS_PER_SERIES_MAX);
}

/** The text of an entry; undefined when the entry is missing or says nothing. */
export function readText(reader: YamlReader, entry: Entry | undefined): SourceText | undefined {
  if (entry?.value === undefined || entry.value === null || reader.isNull(entry.value)) {
    return undefined;
  }
  return reader.text(entry.value, entry.key);
}

function refuseRecord(reader: YamlReader, record: Entry, isAlert: boolean): void {
  if (isAlert) reader.fault(record.keyOffset, 'a rule has either alert or record, not both');
  else {
    reader.fault(
      record.keyOffset,
      'recording rules are not supported yet',
      'write the expression into the alerts that use it',
    );
  }
}

function readExpression(
  reader: YamlReader,
  node: Node,
  entry: Entry | undefined,
): Pick<AlertRule, 'expr' | 'condition' | 'exprText'> | undefined {
  if (entry === undefined || reader.isNull(entry.value)) {
    return reader.fault(entry?.keyOffset ?? offsetOf(node), 'this rule has no expr');
  }
  const text = readText(reader, entry);
  if (text === undefined) return undefined;
  const expression = parseExpression(text.value);
  if (!expression.ok) return reader.faultsIn(text, expression.faults);
  const condition = conditionOf(expression.value);
  if (!condition.ok) return reader.faultsIn(text, condition.faults);
  return { expr: expression.value, condition: condition.value, exprText: text.value.trim() };
}

function readTemplates(
  reader: YamlReader,
  entry: Entry | undefined,
  countMax: number,
): Readonly<Record<string, Template>> {
  const templates = emptyRecord();
  if (entry === undefined || entry.value === null || reader.isNull(entry.value)) return templates;
  const entries = reader.entries(entry.value, entry.key) ?? [];
  if (entries.length > countMax) {
    reader.fault(entry.keyOffset, `more than ${countMax} ${entry.key}`);
    return templates;
  }
  for (const item of entries) {
    if (!isNameAllowed(reader, item, entry.key)) continue;
    const text = readText(reader, item);
    const template = compileTemplate(text?.value ?? '');
    if (template.ok) templates[item.key] = template.value;
    else if (text !== undefined) reader.faultsIn(text, template.faults);
  }
  return templates;
}

function isNameAllowed(reader: YamlReader, { key, keyOffset }: Entry, what: string): boolean {
  const before = `${JSON.stringify(key.slice(0, LABEL_NAME_BYTES_MAX))} cannot be a name in ${what}`;
  if (what === 'labels' && key === '__name__') {
    reader.fault(keyOffset, `${before}: it is the name of the metric`);
  } else if (!LABEL_NAME.test(key)) {
    reader.fault(keyOffset, before, 'names are letters, digits and _, without a digit first');
  } else if (key.length > LABEL_NAME_BYTES_MAX) {
    reader.fault(keyOffset, `${before}: it has more than ${LABEL_NAME_BYTES_MAX} bytes`);
  } else {
    return true;
  }
  return false;
}

/** Without a prototype, since a label may be named like a member of one. */
function emptyRecord(): Record<string, Template> {
  return Object.create(null) as Record<string, Template>;
}
