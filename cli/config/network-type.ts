import { isIP, isIPv6 } from 'node:net';
import { isLine, Refusal, type ValueType } from './value-type.ts';

/** Where to listen or to connect to. An IPv6 host is without its brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with an IPv6 host in brackets; port 0 lets the system choose. */
export function address(): ValueType<Address> {
  return {
    name: 'address',
    placeholder: 'host:port',
    unit: '',
    range: '',
    expects: 'host:port, such as 127.0.0.1:7101 or [::1]:7101',
    parse: parseAddress,
  };
}

function parseAddress(text: string): Address | Refusal {
  if (isIPv6(text) || isIPv6(text.replace(/:\d+$/, ''))) {
    return new Refusal('an IPv6 host stands in brackets: `[::1]:7101`');
  }
  const [, bracketed, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  if (digits === undefined) {
    return new Refusal(isHost(text) ? `the port is missing: \`${text}:PORT\`` : undefined);
  }
  const port = Number(digits);
  if (port > 65_535) return new Refusal('a port is at most 65535');
  if (bracketed !== undefined) {
    return isIPv6(bracketed) ? { host: bracketed, port } : new Refusal();
  }
  if (name === '') return new Refusal(`for all interfaces say \`0.0.0.0:${digits}\``);
  return isHost(name!) ? { host: name!, port } : new Refusal();
}

/** A host name (RFC 1123, and the `_` that some DNS zones use) or an IPv4 address. */
function isHost(name: string): boolean {
  if (/^[\d.]+$/.test(name)) return isIP(name) === 4;
  return name.length <= 253 && /^\w([\w-]*\w)?(\.\w([\w-]*\w)?)*\.?$/.test(name);
}

const natsPort = 4222;

/** A NATS server as `host:port` or an URL; the value is always an URL with a port. */
export function natsServer(): ValueType<string> {
  return {
    name: 'NATS server',
    placeholder: 'host:port',
    unit: '',
    range: '',
    expects: 'host:port, nats://host:port or tls://host:port',
    parse(text) {
      const [, scheme = 'nats', rest] = /^(?:(nats|tls):\/\/)?([^/]*)\/?$/.exec(text) ?? [];
      if (rest?.includes('@')) {
        return new Refusal('user, password and token are settings of their own');
      }
      if (rest === undefined || /^(:\d*)?$/.test(rest)) return new Refusal();
      const server = /:\d*$/.test(rest) && !isIPv6(rest) ? rest : `${rest}:${natsPort}`;
      const parsed = parseAddress(server);
      return parsed instanceof Refusal ? parsed : `${scheme}://${server}`;
    },
  };
}

/** An http or https URL; the value is the text. Credentials are refused unless allowed. */
export function url(spec: { credentials: boolean } = { credentials: false }): ValueType<string> {
  return {
    name: 'URL',
    placeholder: 'url',
    unit: '',
    range: 'http, https',
    expects: 'an http:// or https:// URL',
    parse(text) {
      const parsed = isLine(text) && !/\s/.test(text) ? URL.parse(text) : null;
      if (parsed === null || !/^https?:\/\//i.test(text)) {
        const bareAddress = !(parseAddress(text) instanceof Refusal);
        return new Refusal(bareAddress ? `did you mean \`http://${text}\`?` : undefined);
      }
      if (!spec.credentials && (parsed.username !== '' || parsed.password !== '')) {
        return new Refusal('user and password are settings of their own');
      }
      return text;
    },
  };
}
