import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import type { Notification, NotifiedAlert } from './notification.ts';
import { printable } from './printable.ts';
import { checkedReceiverName, type DeliveryOutcome, type Receiver } from './receiver.ts';

export interface TerminalOptions {
  /** Default `terminal`. */
  readonly name?: string;
  /** Default: if the stream is a terminal and NO_COLOR is not set. */
  readonly colour?: boolean;
  /** Default process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const NAME_CHARS_MAX = 80;
const LABEL_CHARS_MAX = 80;
const LABELS_CHARS_MAX = 240;
const SUMMARY_CHARS_MAX = 240;
/** Shown first: which machine, and how bad. */
const FIRST_LABELS = ['instance', 'severity'];

/**
 * Writes a line for each alert:
 * `14:03:55 FIRING  HighLoad  instance=web-1 severity=critical  value 12.3  load is high`,
 * with the local time of the sample that caused it. A resolved alert whose condition did not
 * simply end says so: `reason stale`.
 *
 * A write that the stream has not taken delays this receiver alone. A stream that has failed or
 * was closed rejects; its `error` event is answered here, so that a closed pipe does not end the
 * process.
 */
export class TerminalReceiver implements Receiver {
  readonly name: string;
  readonly #stream: Writable;
  readonly #colour: boolean;

  constructor(stream: Writable & { readonly isTTY?: boolean }, options: TerminalOptions = {}) {
    this.name = checkedReceiverName(options.name ?? 'terminal');
    this.#stream = stream;
    // "when present and not an empty string": https://no-color.org
    const noColor = Boolean((options.env ?? process.env)['NO_COLOR']);
    this.#colour = options.colour ?? (stream.isTTY === true && !noColor);
    stream.on('error', () => {});
  }

  deliver(notification: Notification, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { alertname, alerts } = notification;
    const lines = alerts.map((alert) => `${alertLine(alertname, alert, this.#colour)}\n`);
    return written(this.#stream, lines.join(''), signal);
  }
}

/** One line, without its end. */
export function alertLine(alertname: string, alert: NotifiedAlert, colour: boolean): string {
  const status = alert.status.toUpperCase();
  const format = alert.status === 'firing' ? 'red' : 'green';
  const shownStatus = colour ? styleText(format, status, { validateStream: false }) : status;
  const name = printable(alertname, NAME_CHARS_MAX);
  const summary = alert.annotations['summary'] ?? alert.annotations['description'] ?? '';
  return [
    `${clockTime(alert.timeMs)} ${shownStatus}`,
    colour ? styleText('bold', name, { validateStream: false }) : name,
    labelText(alert.labels),
    `value ${shownValue(alert.value)}`,
    alert.reason === 'condition' ? '' : `reason ${alert.reason}`,
    printable(summary, SUMMARY_CHARS_MAX).trim(),
  ]
    .filter((part) => part !== '')
    .join('  ');
}

function written(stream: Writable, text: string, signal: AbortSignal): Promise<DeliveryOutcome> {
  if (signal.aborted) return Promise.resolve({ kind: 'retry', detail: 'stopped before writing' });
  return new Promise((resolve) => {
    const settle = (outcome: DeliveryOutcome) => {
      signal.removeEventListener('abort', onAbort);
      stream.removeListener('close', onClose);
      resolve(outcome);
    };
    const onAbort = () => settle({ kind: 'retry', detail: 'stopped before the text was taken' });
    const onClose = () => settle({ kind: 'rejected', detail: 'the stream was closed' });
    signal.addEventListener('abort', onAbort, { once: true });
    stream.once('close', onClose);
    stream.write(text, (error) => {
      if (error) settle({ kind: 'rejected', detail: printable(error.message, SUMMARY_CHARS_MAX) });
      else settle({ kind: 'delivered', detail: 'written' });
    });
  });
}

function clockTime(timeMs: number): string {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return '--:--:--';
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** Six digits: more of a measurement nobody reads. */
function shownValue(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const first = FIRST_LABELS.filter((name) => Object.hasOwn(labels, name));
  const rest = Object.keys(labels).filter((n) => n !== 'alertname' && !FIRST_LABELS.includes(n));
  let text = '';
  for (const name of [...first, ...rest]) {
    const pair = `${labelWord(name)}=${labelWord(labels[name] ?? '')}`;
    if (text.length + pair.length + 1 > LABELS_CHARS_MAX) return `${text} …`;
    text = text === '' ? pair : `${text} ${pair}`;
  }
  return text;
}

/** In quotes if it could be read as more than one word, as in `a=b`. */
function labelWord(text: string): string {
  const clean = printable(text, LABEL_CHARS_MAX);
  return /^[^\s"=]+$/.test(clean) ? clean : JSON.stringify(clean);
}
