import { startAgent } from '../agent/agent-process.ts';
import type { AgentProcessOptions } from '../agent/agent-process.ts';
import { FrameStream } from './frame-stream.ts';
import { Recorder } from './recorder.ts';
import type { Recording } from './recording.ts';

/** The host's own series; those of the agent itself are left out. */
const HOST_PREFIX = 'node_';

export interface RecordOptions {
  /** What runs the agent. */
  readonly command: AgentProcessOptions['command'];
  readonly ticks: number;
  readonly intervalMs: number;
  /** Series whose key matches are left out. */
  readonly exclude?: RegExp | undefined;
  /** Called after each tick. */
  readonly onTick: (ticks: number, series: number) => void;
}

/**
 * Runs a real agent on this machine and keeps what it says. The agent's first frame is not kept: what its
 * sources ask for in the background comes from the second on.
 *
 * @throws RollcallError `agent_lost`
 */
export async function record(options: RecordOptions): Promise<Recording> {
  const { ticks, intervalMs, exclude, onTick } = options;
  const recorder = new Recorder(
    (key) => key.startsWith(HOST_PREFIX) && exclude?.test(key) !== true,
  );
  const agent = await startAgent({ command: options.command, flags: ['--profile=standard'] });
  const done = Promise.withResolvers<void>();
  let isFirst = true;
  const address = { host: '127.0.0.1', port: agent.port };
  const stream = new FrameStream(address, intervalMs, {
    onCatalogue: (catalogue) => recorder.catalogue(catalogue),
    onFrame: (source, offset) => {
      if (!isFirst && recorder.ticks < ticks) {
        recorder.frame(source, offset);
        onTick(recorder.ticks, recorder.seriesCount);
      }
      isFirst = false;
      if (recorder.ticks === ticks) done.resolve();
    },
    onEnd: (error) => done.reject(error),
  });
  try {
    await done.promise;
  } finally {
    stream.close();
    await agent.server.stop();
  }
  return recorder.recording(intervalMs);
}
