import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { projectRoot } from '../project-root.ts';

const LAUNCHER = fileURLToPath(new URL('rollcall', projectRoot));

const local = (port: number): string => `127.0.0.1:${port}`;

/** The ports of one `rollcall up` and how to ask for them. */
export class UpPorts {
  readonly nats: number;
  readonly http: number;
  readonly flags: readonly string[];
  /** For `rollcall status` and the like beside it. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(ports: readonly number[]) {
    const [nats, http, tcp, agent, collector, writer, alerter] = ports as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    this.nats = nats;
    this.http = http;
    this.flags = [
      `--nats-port=${nats}`,
      `--clickhouse-http-port=${http}`,
      `--clickhouse-tcp-port=${tcp}`,
      `--agent-listen=${local(agent)}`,
      `--collector-metrics-listen=${local(collector)}`,
      `--writer-metrics-listen=${local(writer)}`,
      `--alerter-metrics-listen=${local(alerter)}`,
    ];
    this.env = {
      ROLLCALL_CLICKHOUSE_URL: `http://127.0.0.1:${http}`,
      ROLLCALL_COLLECTOR_METRICS_LISTEN: local(collector),
      ROLLCALL_WRITER_METRICS_LISTEN: local(writer),
      ROLLCALL_ALERTER_METRICS_LISTEN: local(alerter),
    };
  }

  static async free(): Promise<UpPorts> {
    const ports: number[] = [];
    while (ports.length < 7) {
      const port = await freePort();
      if (!ports.includes(port)) ports.push(port);
    }
    return new UpPorts(ports);
  }
}

/** A real `rollcall up`, as a person would start it. */
export class UpProcess {
  readonly child: ChildProcess;
  readonly #ports: UpPorts;
  #output = '';

  constructor(dataDir: string, ports: UpPorts, flags: readonly string[] = []) {
    this.#ports = ports;
    this.child = spawn(LAUNCHER, ['up', '--data-dir', dataDir, ...ports.flags, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  /** Process id of the newest run of a service. */
  pidOf(service: string): number {
    const started = [
      ...this.#output.matchAll(new RegExp(`${service} +started as process (\\d+)`, 'g')),
    ];
    return Number(started.at(-1)?.[1]);
  }

  /** How often a service has come up. */
  readyCount(service: string): number {
    return [...this.#output.matchAll(new RegExp(`${service} +ready`, 'g'))].length;
  }

  /** Waits until the output shows that the last service is ready. */
  async ready(): Promise<void> {
    await until(() => this.readyCount('collector') > 0 || this.child.exitCode !== null);
  }

  /** The rows of a query, as a dashboard would ask it. */
  async query<Row>(sql: string): Promise<Row[]> {
    const response = await request(`http://127.0.0.1:${this.#ports.http}/`, {
      method: 'POST',
      body: `${sql} FORMAT JSONEachRow`,
      query: { output_format_json_quote_64bit_integers: '1' },
    });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(text);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);
  }

  /** SIGKILLs a service and waits until `up` has brought it back. */
  async kill(service: string): Promise<void> {
    const before = this.readyCount(service);
    process.kill(this.pidOf(service), 'SIGKILL');
    await until(() => this.readyCount(service) > before);
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

/** Waits for a condition; the test's own time limit is the deadline. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(100);
}

/** Processes whose command line contains the text. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => commandLine(pid).includes(text))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
