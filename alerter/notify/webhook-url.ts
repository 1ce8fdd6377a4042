import { createHash } from 'node:crypto';
import { RollcallError } from '../../pipeline/error.ts';

/** A shorter part of a path is a word (`api`, `v1`, `hooks`) rather than a token. */
const PATH_SECRET_CHARS_MIN = 8;
const NAME_HOST_CHARS_MAX = 63;

/** A webhook's address, taken apart so that its secrets stay in one place. */
export interface WebhookAddress {
  readonly origin: string;
  /** Path and query as they are requested. */
  readonly path: string;
  /** The value of the header, if the address has userinfo. RFC 7617, in UTF-8. */
  readonly authorization: string | undefined;
  /** What must not be shown, longest first. */
  readonly secrets: readonly string[];
}

/**
 * Takes a webhook's address apart. Throws `webhook_url_invalid`, without the text of the address:
 * a mistyped address may hold a secret as well.
 */
export function webhookAddress(text: string): WebhookAddress {
  const url = parsedUrl(text);
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (username === undefined || password === undefined || username.includes(':')) {
    throw invalid('its user name or password is badly percent-encoded, or the name has a colon');
  }
  const userinfo = Buffer.from(`${username}:${password}`).toString('base64');
  const authorization = url.username || url.password ? `Basic ${userinfo}` : undefined;
  const secrets = [
    username,
    password,
    url.username,
    url.password,
    authorization === undefined ? '' : userinfo,
    ...querySecrets(url),
    ...pathSecrets(url),
  ];
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    authorization,
    secrets: longestFirst(secrets),
  };
}

/**
 * A name for the receiver at `text`: `webhook-<host>-<8 hex digits>`, a valid NATS subject token.
 * The digits tell apart addresses that differ in scheme, user, path or query. The password is not
 * in them: a receiver keeps its name, and so its position in the log, when the password changes.
 */
export function receiverName(text: string): string {
  const url = parsedUrl(text);
  const host = url.host.replace(/[^a-zA-Z0-9]+/g, '-').replace(/^-|-$/g, '');
  const identity = JSON.stringify([url.origin, url.username, url.pathname, url.search]);
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 8);
  return `webhook-${host.slice(0, NAME_HOST_CHARS_MAX)}-${digest}`;
}

/** `text` with every one of `secrets` (longest first) replaced. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, () => '***'), text);
}

function parsedUrl(text: string): URL {
  // The error of `new URL` carries the address, so it is neither used nor kept as a cause.
  const url = URL.parse(text);
  if (url === null) throw invalid('it is not an absolute URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalid('its scheme must be http or https');
  }
  return url;
}

function invalid(reason: string): RollcallError {
  return new RollcallError(
    'webhook_url_invalid',
    `the address of a webhook cannot be used: ${reason}`,
  );
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** The whole query, each value as written and as meant, and each part that is no pair. */
function querySecrets(url: URL): string[] {
  const query = url.search.slice(1);
  const written = query.split('&').map((part) => part.slice(part.indexOf('=') + 1));
  const meant = [...url.searchParams.values()];
  return [query, ...written, ...meant, ...meant.map((value) => encodeURIComponent(value))];
}

/** Many services put the token into the path. */
function pathSecrets(url: URL): string[] {
  const segments = url.pathname.split('/');
  return [url.pathname, ...segments, ...segments.map((segment) => decoded(segment) ?? '')].filter(
    (part) => part.length >= PATH_SECRET_CHARS_MIN,
  );
}

function longestFirst(secrets: readonly string[]): string[] {
  return [...new Set(secrets)].filter((s) => s !== '').toSorted((a, b) => b.length - a.length);
}
