import { clockTime, MISSING } from './quantity.ts';
import type { ServiceEvent } from './service.ts';
import { fit, neutralise } from './text-cell.ts';

const NAME_WIDTH = 12;

/** `14:03:22  nats-server   ready`, for where no screen is drawn. Local time, one safe line. */
export function formatLine(timeMs: number, name: string, text: string): string {
  const shownName = fit(neutralise(name), NAME_WIDTH);
  return `${clockTime(timeMs)}  ${shownName}  ${neutralise(text)}`;
}

export function formatEventLine(timeMs: number, event: ServiceEvent): string {
  return formatLine(timeMs, event.service, describeEvent(event));
}

const WORDS: Record<ServiceEvent['kind'], string> = {
  started: 'started',
  ready: 'ready',
  died: 'died:',
  restarting: 'restarting',
  stopped: 'stopped',
};

/** `started as process 4711`, `died: exit code 1`, `restarting in 412 ms` */
export function describeEvent({ kind, pid, detail }: ServiceEvent): string {
  const what = kind === 'started' ? `as process ${pid ?? MISSING}` : detail;
  return `${WORDS[kind]} ${what}`.trimEnd();
}
