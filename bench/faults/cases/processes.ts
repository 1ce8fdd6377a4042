import type { FaultCase } from '../fault-case.ts';
import type { Role } from '../../system/system.ts';
import { ROLES } from '../../system/system.ts';

const TWO_OF_EACH = { collector: 2, writer: 2, alerter: 2 } as const;

export const staleOwner: FaultCase = {
  id: 'F12',
  title: 'a stale owner wakes',
  mustHold:
    'it is fenced: nothing is stored twice, no page is contradicted or repeated, no target called down',
  settings: () => ({ processes: TWO_OF_EACH, isNobodyDown: true }),
  async disturb(run) {
    const roles: readonly Role[] = ['alerter', 'writer', 'collector'];
    for (let round = 0; round < run.either(2, 1); round += 1) {
      for (const role of roles) {
        const { part } = run.member(role, round % 2);
        run.say(`${part.name} is stopped past its lease`);
        await run.disturbed(async () => {
          part.signal('SIGSTOP');
          await run.seconds(20, 8);
          part.signal('SIGCONT');
          await run.seconds(10, 4);
          await part.ready();
        });
        await run.aRandomMoment(2000);
      }
    }
  },
};

export const rollingRestart: FaultCase = {
  id: 'F24',
  title: 'rolling restart of everything',
  mustHold: 'no false alert',
  settings: () => ({ processes: TWO_OF_EACH }),
  async disturb(run) {
    const { system } = run;
    const members = ROLES.flatMap((role) => system.of(role).map(({ part }) => part));
    for (const part of [...members, system.nats, system.clickhouse]) {
      run.say(`SIGTERM to ${part.name}`);
      await run.disturbed(async () => {
        await part.holdDown('SIGTERM');
        await part.start();
      });
      await run.intervals(run.either(8, 2));
    }
  },
};
