import { readFileSync } from 'node:fs';

const DAYLIGHT_SAVING_SECONDS = 3600;

/** `std offset [dst [offset]]` of a POSIX TZ string: names of letters, or anything in `<…>`. */
const RULE =
  /^(?:<([^>]+)>|([A-Za-z]{3,}))([+-]?[\d:]+)(?:(?:<([^>]+)>|([A-Za-z]{3,}))([+-]?[\d:]+)?)?/;

/**
 * The rule that ends a version 2 TZif file (RFC 8536, section 3.3), such as
 * `CET-1CEST,M3.5.0,M10.5.0/3`. The environment's `TZ` names the file below
 * `/usr/share/zoneinfo`, empty is UTC, and unset is `/etc/localtime` (tzset(3)).
 */
export function localZoneRule(tz: string | undefined): string | undefined {
  if (tz === '') return 'UTC0';
  const name = tz?.replace(/^:/, '');
  try {
    return ruleOf(readFileSync(zoneFile(name), 'latin1'));
  } catch {
    return name === undefined ? 'UTC0' : undefined;
  }
}

/** The abbreviation of local time while it is so many seconds ahead of UTC, such as `CEST`. */
export function zoneName(rule: string | undefined, offsetSeconds: number): string {
  const match = rule === undefined ? null : RULE.exec(rule);
  if (match !== null) {
    const [, quoted, plain, offset = '', quotedSummer, plainSummer, summerOffset] = match;
    const standard = secondsEast(offset);
    if (standard === offsetSeconds) return quoted ?? plain ?? '';
    const summer =
      summerOffset === undefined ? standard + DAYLIGHT_SAVING_SECONDS : secondsEast(summerOffset);
    const summerName = quotedSummer ?? plainSummer;
    if (summerName !== undefined && summer === offsetSeconds) return summerName;
  }
  return offsetSeconds === 0 ? 'UTC' : numericName(offsetSeconds);
}

function zoneFile(name: string | undefined): string {
  if (name === undefined) return '/etc/localtime';
  return name.startsWith('/') ? name : `/usr/share/zoneinfo/${name}`;
}

function ruleOf(contents: string): string | undefined {
  return contents.startsWith('TZif') ? /\n([^\n]*)\n$/.exec(contents)?.[1] : undefined;
}

/** POSIX counts the other way: `-1` is one hour east of Greenwich. */
function secondsEast(offset: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = offset.replace(/^[+-]/, '').split(':').map(Number);
  const total = hours * 3600 + minutes * 60 + seconds;
  return offset.startsWith('-') ? total : 0 - total;
}

/** Zones without a name of their own are written so by the zone database: `+0330`, `-03`. */
function numericName(offsetSeconds: number): string {
  const minutes = Math.abs(Math.trunc(offsetSeconds / 60));
  const hours = String(Math.trunc(minutes / 60)).padStart(2, '0');
  const rest = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0');
  return `${offsetSeconds < 0 ? '-' : '+'}${hours}${rest}`;
}
