import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { cut, neutralise } from './text-cell.ts';

/** A process that has a socket on a port of loopback. */
export interface PortOwner {
  readonly pid: number;
  /** Its program, and the script if the program is an interpreter. Safe to print. */
  readonly command: string;
}

/*
 * Addresses that stand in the way of 127.0.0.1, as proc_net_tcp writes them: 127.0.0.1 and any, then
 * any and 127.0.0.1 of IPv6. (The kernel prints the words of an address in the machine's byte order;
 * this is the little-endian one.)
 */
const IN_THE_WAY = new Set([
  '0100007F',
  '00000000',
  '00000000000000000000000000000000',
  '0000000000000000FFFF00000100007F',
]);
const STATE_LISTEN = '0A';
const COMMAND_WIDTH = 40;

/**
 * Who has these ports, as far as we may see: processes of other users hide their sockets.
 * Sources: Documentation/networking/proc_net_tcp.rst, proc_pid_fd(5).
 */
export function portOwners(ports: readonly number[]): Map<number, PortOwner> {
  const sockets = new Map<string, number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const [inode, port] of socketsOf(contentOf(table), new Set(ports))) {
      sockets.set(inode, port);
    }
  }
  const owners = new Map<number, PortOwner>();
  if (sockets.size === 0) return owners;
  for (const pid of entriesOf('/proc').filter((name) => /^\d+$/u.test(name))) {
    for (const port of portsOf(pid, sockets)) {
      if (!owners.has(port)) owners.set(port, { pid: Number(pid), command: commandOf(pid) });
    }
  }
  return owners;
}

/**
 * The sockets on the ports, by inode, out of a table such as `/proc/net/tcp`. A connection that has
 * the port counts only where nobody listens on it.
 */
export function socketsOf(table: string, ports: ReadonlySet<number>): Map<string, number> {
  const listening = new Map<string, number>();
  const connected = new Map<string, number>();
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/u);
    const [address = '', hexPort = ''] = (fields[1] ?? '').split(':');
    const port = Number.parseInt(hexPort, 16);
    const inode = fields[9];
    if (inode === undefined || inode === '0') continue;
    if (!ports.has(port) || !IN_THE_WAY.has(address)) continue;
    (fields[3] === STATE_LISTEN ? listening : connected).set(inode, port);
  }
  const taken = new Set(listening.values());
  return new Map([...listening, ...[...connected].filter(([, port]) => !taken.has(port))]);
}

function portsOf(pid: string, sockets: ReadonlyMap<string, number>): number[] {
  const ports: number[] = [];
  for (const descriptor of entriesOf(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/u.exec(linkOf(`/proc/${pid}/fd/${descriptor}`))?.[1];
    const port = inode === undefined ? undefined : sockets.get(inode);
    if (port !== undefined) ports.push(port);
  }
  return ports;
}

/** The name that a person would know it by. Arguments may be secret and are left out. */
function commandOf(pid: string): string {
  const [program = '', script = ''] = contentOf(`/proc/${pid}/cmdline`).split('\0');
  const name = basename(program) || contentOf(`/proc/${pid}/comm`).trim();
  const isScript = /^[^-].*\.([cm]?[jt]s|py|rb|sh)$/u.test(script);
  return cut(neutralise(isScript ? `${name} ${basename(script)}` : name), COMMAND_WIDTH);
}

/** Processes end while we look at them, and others may not be looked at. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
