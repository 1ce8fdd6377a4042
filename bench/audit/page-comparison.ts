import { instanceOf } from '../fleet/fleet.ts';
import type { Episode } from '../fleet/ledger.ts';
import type { Breach } from '../fleet/fleet-source.ts';
import { Examples } from './examples.ts';
import type { Page } from './page-catcher.ts';

export interface PageTotals {
  /** Episodes that somebody was paged for. */
  readonly paged: number;
  /** Episodes that had to be paged, or whose end had to be told, and were not. */
  readonly missed: number;
  /** Pages that said again, under another key, what had been said. */
  readonly repeated: number;
  /** Pages that said again, under the same key, what had been said: the receiver knows them. */
  readonly resent: number;
  /** Pages about something that was not so. */
  readonly false: number;
}

export interface PageComparison extends PageTotals {
  /** From the frame that made the alert fire to the page, ms, ascending. */
  readonly delaysMs: readonly number[];
  /** The pages that were told latest of all, by that delay, the slowest first. */
  readonly slowest: readonly Page[];
  /** The longest time that an alert fired after its `for` had passed, by its `startsAt`, ms. */
  readonly startsLateMsMax: number;
  /** Of the kinds `missed`, `repeated`, `false`. */
  readonly examples: Examples;
}

/** What a breach is called when it is paged, and how long it must last for that. */
export interface ProvokedAlert {
  readonly alertname: string;
  readonly forMs: number;
}

export interface PageExpectation {
  readonly alerts: Readonly<Partial<Record<Breach, ProvokedAlert>>>;
  readonly intervalMs: number;
  /** An episode that began later, or lasts still, need not have been told of to its end. */
  readonly endMs: number;
  /** Pages about these are neither wanted nor wrong: `alertname instance`. */
  readonly excused: ReadonlySet<string>;
}

interface Told {
  readonly firing: Page[];
  readonly resolved: Page[];
}

const SLOWEST = 5;

/** From the frame that made an alert fire to the page, ms. */
export function delayMsOf({ receivedMs, startsAtMs }: Page): number {
  return receivedMs - startsAtMs;
}

/** Holds what a receiver was told against what was provoked. */
export function comparePages(
  episodes: readonly Episode[],
  pages: readonly Page[],
  expectation: PageExpectation,
): PageComparison {
  const examples = new Examples();
  const told = new Map<Episode, Told>(
    episodes.map((episode) => [episode, { firing: [], resolved: [] }]),
  );
  const byName = indexed(episodes, expectation);
  let falsePages = 0;
  for (const page of pages) {
    if (isExcused(page, expectation)) continue;
    const episode = episodeOf(page, byName, expectation);
    if (episode !== undefined) told.get(episode)![page.status].push(page);
    else {
      falsePages += 1;
      examples.add('false', shown(page));
    }
  }
  let [paged, missed, repeated, resent] = [0, 0, 0, 0];
  const firsts: Page[] = [];
  let startsLateMsMax = 0;
  for (const [episode, { firing, resolved }] of told) {
    const want = wantedOf(episode, expectation);
    const isMissed =
      (want.firing && firing.length === 0) || (want.resolved && resolved.length === 0);
    if (isMissed) {
      missed += 1;
      const times = `told ${firing.length} + ${resolved.length} times`;
      examples.add('missed', `${describe(episode)}, ${times}`);
    }
    if (firing.length > 0) {
      paged += 1;
      const [first] = firing;
      const { forMs = 0 } = expectation.alerts[episode.breach] ?? {};
      firsts.push(first!);
      startsLateMsMax = Math.max(startsLateMsMax, first!.startsAtMs - episode.fromMs - forMs);
    }
    for (const same of [firing, resolved]) {
      const keys = new Set(same.map(({ key }) => key)).size;
      repeated += Math.max(0, keys - 1);
      resent += same.length - keys;
      if (keys > 1) examples.add('repeated', repetition(episode, same));
    }
  }
  const byDelay = firsts.toSorted((a, b) => delayMsOf(a) - delayMsOf(b));
  return {
    paged,
    missed,
    repeated,
    resent,
    false: falsePages,
    startsLateMsMax,
    delaysMs: byDelay.map(delayMsOf),
    slowest: byDelay.slice(-SLOWEST).toReversed(),
    examples,
  };
}

function indexed(
  episodes: readonly Episode[],
  { alerts }: PageExpectation,
): ReadonlyMap<string, Episode[]> {
  const byName = new Map<string, Episode[]>();
  for (const episode of episodes) {
    const alertname = alerts[episode.breach]?.alertname;
    if (alertname === undefined) continue;
    const name = `${alertname} ${instanceOf(episode.agent)}`;
    byName.set(name, [...(byName.get(name) ?? []), episode]);
  }
  return byName;
}

function isExcused({ alertname, instance, startsAtMs }: Page, want: PageExpectation): boolean {
  if (want.excused.has(`${alertname} ${instance}`)) return true;
  // After the end agents are quiet on purpose: that they are missed is right.
  return (
    startsAtMs > want.endMs && !Object.values(want.alerts).some((a) => a.alertname === alertname)
  );
}

/** The episode that a page is about: it lies around its start, and a resolved one around no less than its end. */
function episodeOf(
  page: Page,
  byName: ReadonlyMap<string, readonly Episode[]>,
  { intervalMs }: PageExpectation,
): Episode | undefined {
  return byName.get(`${page.alertname} ${page.instance}`)?.find(({ fromMs, toMs = Infinity }) => {
    const isWithin = page.startsAtMs >= fromMs && page.startsAtMs < toMs;
    const isTooSoon = page.status === 'resolved' && page.endsAtMs < toMs - intervalMs / 2;
    return isWithin && !isTooSoon;
  });
}

function wantedOf(
  { breach, fromMs, toMs }: Episode,
  { alerts, intervalMs, endMs }: PageExpectation,
): { firing: boolean; resolved: boolean } {
  const alert = alerts[breach];
  if (alert === undefined || fromMs > endMs) return { firing: false, resolved: false };
  // An alert may fire at the first frame after `for` has passed, which may come late by an interval.
  const needsMs = alert.forMs === 0 ? 0 : alert.forMs + 2 * intervalMs;
  const lastsMs = (toMs ?? endMs) - fromMs;
  const firing = lastsMs > 0 && lastsMs >= needsMs;
  return { firing, resolved: firing && toMs !== undefined };
}

function repetition(episode: Episode, same: readonly Page[]): string {
  const few = same.slice(0, 3).map(shown).join('; ');
  return `${describe(episode)}, ${same.length} times: ${few}`;
}

function describe({ agent, breach, fromMs, toMs }: Episode): string {
  const until = toMs === undefined ? 'now' : new Date(toMs).toISOString();
  return `${breach} of ${instanceOf(agent)} from ${new Date(fromMs).toISOString()} to ${until}`;
}

function shown(page: Page): string {
  const { alertname, instance, status, startsAtMs, key, receivedMs } = page;
  const received = new Date(receivedMs).toISOString();
  return (
    `${alertname} ${status} of ${instance}, starts ${new Date(startsAtMs).toISOString()}, ` +
    `received ${received}, key ${key.slice(0, 12)}`
  );
}
