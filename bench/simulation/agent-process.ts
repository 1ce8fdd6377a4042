import { Agent } from '../../agent/agent.ts';
import { parseAddress } from '../../pipeline/dial/address.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import type { SimulatedMember } from './simulated-member.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { World } from './world.ts';

/** A whole agent, with the series about itself as its only source. */
export class AgentProcess implements SimulatedMember {
  readonly process: SimulatedProcess;
  readonly membership = undefined;
  #agent: Agent | undefined;

  constructor(world: World, process: SimulatedProcess, target: Target) {
    this.process = process;
    world.start(process, async () => {
      const agent = new Agent({
        listen: parseAddress(target.address),
        insecure: false,
        sources: [],
        ringBytesMax: 256 * 1024,
        seriesMax: 1000,
        connectionsMax: 16,
        version: 'simulated',
        log: world.log.child({ process: process.name }),
      });
      const run = world.ledger.follow(target.id, agent.store);
      process.onDeath(() => {
        run.isDead = true;
      });
      this.#agent = agent;
      await agent.start();
    });
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
  }
}
