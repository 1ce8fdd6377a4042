import * as alerters from './cases/alerters.ts';
import * as clocks from './cases/clocks.ts';
import * as collectors from './cases/collectors.ts';
import * as connections from './cases/connections.ts';
import * as poison from './cases/poison.ts';
import * as processes from './cases/processes.ts';
import * as servers from './cases/servers.ts';
import * as writers from './cases/writers.ts';
import type { FaultCase } from './fault-case.ts';

/** Every case there is, in the order of the fault matrix. */
export const ALL_CASES: readonly FaultCase[] = [
  collectors.nothing,
  collectors.collectorDies,
  collectors.collectorsComeAndGo,
  writers.writerDies,
  servers.clickhouseDies,
  servers.natsDies,
  servers.natsIsAway,
  servers.clickhouseHangs,
  servers.streamIsFull,
  servers.natsDiskIsFull,
  servers.clickhouseDiskIsFull,
  servers.answerIsLost,
  alerters.alerterDies,
  alerters.alerterIsDown,
  processes.staleOwner,
  alerters.receiversFail,
  connections.halfOpen,
  connections.reconnectStorm,
  connections.reconnectStormTls,
  clocks.clockSteps,
  poison.poisonMessages,
  writers.slowWriter,
  processes.rollingRestart,
];
