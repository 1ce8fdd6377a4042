import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { writeHost } from '../../agent/test/host/host-files.ts';
import { richHost } from '../../agent/test/host/rich-host.ts';
import { startAgent, type AgentProcessOptions } from '../../bench/agent/agent-process.ts';
import { Subscriber } from '../../bench/agent/subscriber.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

async function agentFor(
  t: Test,
  flags: string[] = [],
  command: AgentProcessOptions['command'] = [process.execPath, MAIN, 'agent'],
) {
  const agent = await startAgent({ command, flags });
  t.teardown(() => agent.server.stop());
  const collector = new Subscriber(agent.port, 100);
  t.teardown(() => collector.close());
  return { agent, collector };
}

/** An agent whose log goes somewhere else; `$0 "$@"` is the agent. */
function loggingTo(redirection: string): AgentProcessOptions['command'] {
  return ['sh', '-c', `exec "$0" "$@" ${redirection}`, process.execPath, MAIN, 'agent'];
}

await t.test('a full disk below its log is nothing to an agent', async (t) => {
  const { agent, collector } = await agentFor(t, [], loggingTo('2>/dev/full'));
  await collector.until(5);
  await agent.server.stop();
  t.equal(agent.server.child.exitCode, 0);
});

await t.test('patterns choose metrics, and a wrong pattern is refused', async (t) => {
  const flags = ['--profile=standard', '--include=node_sockstat_RAW_.*', '--exclude=node_load.*'];
  const { agent } = await agentFor(t, flags);
  const text = await (await fetch(agent.metricsUrl)).text();
  t.match(text, /^node_sockstat_RAW_inuse/m);
  t.notMatch(text, /^node_load/m);
  t.notMatch(text, /^node_sockstat_FRAG/m);
  const wrong = startAgent({ command: [process.execPath, MAIN, 'agent'], flags: ['--include=('] });
  await t.rejects(wrong, { message: /include: expected a\s+regular expression/ });
});

await t.test('files that may not be read are absent, and the rest is there', async (t) => {
  const host = writeHost(t.testdir(), richHost);
  chmodSync(`${host.procfs}/meminfo`, 0);
  const { agent } = await agentFor(t, [
    `--path-procfs=${host.procfs}`,
    `--path-sysfs=${host.sysfs}`,
    `--path-rootfs=${host.rootfs}`,
    '--sources-exclude=timex',
  ]);
  const text = await (await fetch(agent.metricsUrl)).text();
  // Root may read everything.
  if (process.getuid?.() !== 0) t.notMatch(text, /^node_memory_/m);
  t.match(text, /^node_cpu_seconds_total\{cpu="15"/m);
  t.match(text, /^node_md_disks\{/m);
  t.notMatch(text, /^node_textfile_scrape_error/m, 'no folder of text files is no error');
});

await t.test(
  'a host has no more series than it may, and the agent says what it left out',
  async (t) => {
    const { agent } = await agentFor(t, ['--profile=full', '--series-max=50']);
    const text = await (await fetch(agent.metricsUrl)).text();
    const ofHost = text.split('\n').filter((line) => line.startsWith('node_'));
    t.ok(ofHost.length <= 50, `${ofHost.length} series`);
    t.match(text, /^rollcall_agent_series_refused_total\{source="\w+"\} [1-9]/m);
    t.match(agent.server.output, /"series":"node_.*raise agent.series_max/);
  },
);
