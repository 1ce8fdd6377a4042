import { COMPONENTS } from '../load/load-report.ts';
import type { Component, MemberRole } from '../load/load-report.ts';
import type { Coefficients, StorageCoefficients } from './coefficients.ts';

/** What is kept: every sample, and of each series its minutes and hours. */
export const TIERS = ['samples', 'minutes', 'hours'] as const;
export type Tier = (typeof TIERS)[number];

/** A fleet, and how it is to be carried. */
export interface CapacityQuestion {
  readonly hosts: number;
  readonly metrics: number;
  readonly interval_ms: number;
  /** How long samples are kept, and what they are rolled up to. */
  readonly retention_days: Readonly<Record<Tier, number>>;
  /** Of each resource, how much is left free, 0 to 1. */
  readonly headroom: number;
  /** Copies of each message in JetStream, and of each row in ClickHouse. */
  readonly stream_replicas: number;
  readonly shard_replicas: number;
  readonly node: NodeShape;
}

/** What one machine has; all are alike. */
export interface NodeShape {
  readonly cores: number;
  readonly memory_bytes: number;
  readonly disk_bytes: number;
  /** Both ways each. */
  readonly network_bytes_per_second: number;
}

/** What a component needs at least so many of, and why. */
export interface Need {
  readonly resource: string;
  readonly count: number;
}

export interface ComponentPlan {
  readonly component: Component;
  /** Collectors, writers and alerters are processes, NATS has nodes, ClickHouse shards (of some replicas each). */
  readonly count: number;
  /** The resource that asks for most of them. */
  readonly binds: string;
  readonly needs: readonly Need[];
  /** All of them together, copies included. */
  readonly cores: number;
  readonly memory_bytes: number;
}

export interface CapacityPlan {
  readonly question: CapacityQuestion;
  readonly samples_per_second: number;
  readonly frames_per_second: number;
  readonly components: readonly ComponentPlan[];
  readonly cores: number;
  readonly memory_bytes: number;
  /** Of the whole retention, all copies. */
  readonly disk_bytes: Readonly<Record<Tier, number>>;
  /** From agents to collectors, and the same again on each leg from there to writers and alerters. */
  readonly network_bytes_per_second: {
    readonly agents: number;
    /** Into NATS, out to a writer and an alerter, and between replicas. */
    readonly nats: number;
  };
  /** Machines by each resource, the most of which is what binds. */
  readonly nodes: readonly Need[];
  readonly binds: string;
}

interface Load {
  readonly question: CapacityQuestion;
  readonly coefficients: Coefficients;
  readonly samples: number;
  readonly frames: number;
  readonly diskBytes: number;
  readonly natsBytes: number;
}

const SECONDS_PER_DAY = 86_400;
const MINUTES_PER_DAY = 1440;
const HOURS_PER_DAY = 24;
/** A writer and an alerter read everything once. */
const CONSUMERS = 2;

export function planOf(question: CapacityQuestion, coefficients: Coefficients): CapacityPlan {
  const { hosts, metrics, interval_ms: intervalMs } = question;
  const frames = (hosts * 1000) / intervalMs;
  const samples = frames * metrics;
  const agentBytes = samples * coefficients.wire_bytes_per_sample;
  const tiers = tierBytes(question, coefficients.storage, samples);
  const load: Load = {
    question,
    coefficients,
    samples,
    frames,
    diskBytes: totalOf(tiers),
    natsBytes: agentBytes * (CONSUMERS + question.stream_replicas),
  };
  const components = COMPONENTS.map((component) => planComponent(component, load));
  const sum = (of: (plan: ComponentPlan) => number): number =>
    components.reduce((total, plan) => total + of(plan), 0);
  const cores = sum((plan) => plan.cores);
  const memory = sum((plan) => plan.memory_bytes);
  const { shard_replicas: copies } = question;
  const { node, headroom } = question;
  const nodes = [
    need('CPU', cores, node.cores, headroom),
    need('memory', memory, node.memory_bytes, headroom),
    need('disk', load.diskBytes * copies, node.disk_bytes, headroom),
    need('network', agentBytes + load.natsBytes, node.network_bytes_per_second, headroom),
  ];
  return {
    question,
    samples_per_second: samples,
    frames_per_second: frames,
    components,
    cores,
    memory_bytes: memory,
    disk_bytes: {
      samples: tiers.samples * copies,
      minutes: tiers.minutes * copies,
      hours: tiers.hours * copies,
    },
    network_bytes_per_second: { agents: agentBytes, nats: load.natsBytes },
    nodes,
    binds: most(nodes).resource,
  };
}

/** Bytes of everything that is kept, once. */
export function totalOf(bytes: Readonly<Record<Tier, number>>): number {
  return TIERS.reduce((sum, tier) => sum + bytes[tier], 0);
}

function tierBytes(
  { hosts, metrics, retention_days: days }: CapacityQuestion,
  storage: StorageCoefficients,
  samples: number,
): Record<Tier, number> {
  const series = hosts * metrics;
  return {
    samples: days.samples * SECONDS_PER_DAY * samples * storage.bytes_per_sample,
    minutes: days.minutes * MINUTES_PER_DAY * series * storage.bytes_per_series_minute,
    hours: days.hours * HOURS_PER_DAY * series * storage.bytes_per_series_hour,
  };
}

/** Cores of all processes of a component together, at one copy of everything and without roll-ups. */
export function coresAt(
  coefficients: Coefficients,
  component: Component,
  { frames, samples }: { readonly frames: number; readonly samples: number },
): number {
  const {
    fixed_cores: fixed,
    us_per_frame: perFrame,
    us_per_sample: perSample,
  } = coefficients.cpu[component];
  return fixed + (perFrame * frames + perSample * samples) / 1e6;
}

function planComponent(component: Component, load: Load): ComponentPlan {
  const { question, coefficients } = load;
  const { fixed_cores: fixedCores } = coefficients.cpu[component];
  const { fixed_bytes: fixedBytes, bytes_per_agent: perAgent } = coefficients.memory[component];
  const needs = needsOf(component, load);
  const { count, resource: binds } = most(needs);
  // What a process costs before it has work it costs in each of them.
  const working = workingCores(component, load) - fixedCores;
  const copies = copiesOf(component, question);
  // The nodes of NATS are counted with all copies that they hold.
  const processes = component === 'nats' ? count : count * copies;
  return {
    component,
    count,
    binds,
    needs,
    cores: copies * working + processes * fixedCores,
    memory_bytes: copies * perAgent * question.hosts + processes * fixedBytes,
  };
}

/** Roll-ups are made once an hour, and so are in no run that is shorter. */
function workingCores(component: Component, load: Load): number {
  const { coefficients, samples } = load;
  const rollups = (coefficients.storage.rollup_us_per_sample * samples) / 1e6;
  return coresAt(coefficients, component, load) + (component === 'clickhouse' ? rollups : 0);
}

function needsOf(component: Component, load: Load): Need[] {
  if (component === 'nats') return natsNeeds(load);
  return component === 'clickhouse' ? shardNeeds(load) : memberNeeds(component, load);
}

/** A process has as many threads as those had that were measured. */
function memberNeeds(role: MemberRole, { question, coefficients, samples }: Load): Need[] {
  const { hosts, headroom, node } = question;
  const { fixed_bytes: fixed, bytes_per_agent: perAgent } = coefficients.memory[role];
  const needs = [
    need('CPU of a thread', samples, coefficients.samples_per_second_of_thread[role], headroom),
    need('memory', perAgent * hosts, node.memory_bytes * (1 - headroom) - fixed, 0),
  ];
  if (role !== 'collector') return needs;
  const { descriptors_per_connection: each, descriptors_limit: limit } = coefficients;
  return [...needs, need('descriptors', hosts * each, limit, headroom)];
}

/** A node has a machine of its own; every copy is work for one of them. */
function natsNeeds({ question, coefficients, frames, samples, natsBytes }: Load): Need[] {
  const { node, headroom, hosts, stream_replicas: copies } = question;
  const { fixed_bytes: fixed, bytes_per_agent: perAgent } = coefficients.memory.nats;
  const cores = coresAt(coefficients, 'nats', { frames, samples });
  return [
    need('CPU', cores * copies, node.cores, headroom),
    need('memory', perAgent * hosts * copies, node.memory_bytes * (1 - headroom) - fixed, 0),
    need('network', natsBytes, node.network_bytes_per_second, headroom),
    { resource: 'copies', count: copies },
  ];
}

/** A shard has a machine of its own for each of its replicas. */
function shardNeeds(load: Load): Need[] {
  const { question, coefficients, diskBytes } = load;
  const { node, headroom, hosts } = question;
  const { fixed_bytes: fixed, bytes_per_agent: perAgent } = coefficients.memory.clickhouse;
  return [
    need('CPU', workingCores('clickhouse', load), node.cores, headroom),
    need('memory', perAgent * hosts, node.memory_bytes * (1 - headroom) - fixed, 0),
    need('disk', diskBytes, node.disk_bytes, headroom),
  ];
}

function copiesOf(component: Component, question: CapacityQuestion): number {
  if (component === 'nats') return question.stream_replicas;
  return component === 'clickhouse' ? question.shard_replicas : 1;
}

function need(resource: string, amount: number, each: number, headroom: number): Need {
  const usable = each * (1 - headroom);
  return { resource, count: usable > 0 ? Math.max(1, Math.ceil(amount / usable)) : Infinity };
}

function most(needs: readonly Need[]): Need {
  return needs.reduce((best, each) => (each.count > best.count ? each : best));
}
