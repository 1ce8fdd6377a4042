import { Command } from 'commander';
import { Alerter } from '../../alerter/alerter.ts';
import type { Receiver } from '../../alerter/notify/receiver.ts';
import { TerminalReceiver } from '../../alerter/notify/terminal.ts';
import { receiverName } from '../../alerter/notify/webhook-url.ts';
import { WebhookReceiver } from '../../alerter/notify/webhook.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { loadConfig } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import type { Config } from '../config/settings.ts';
import { busOptionsOf, loggerOf, memberOf } from '../parts.ts';
import { runComponent } from '../run-component.ts';
import { version } from '../version.ts';

const sections = ['general', 'nats', 'alerter'] as const;

export function command(): Command {
  const command = new Command('alerter');
  addOptions(command, sections);
  return command.action(async () => {
    const config = loadConfig({ sections, flags: command.opts(), env: process.env });
    const log = loggerOf(config, 'alerter');
    const { alerter } = config;
    const instance = new Alerter({
      bus: busOptionsOf(config, 'alerter'),
      member: memberOf(config),
      receivers: receiversOf(config),
      delivery: alerter,
      limits: alerter,
      stalenessMs: alerter.stalenessMs,
      checkpointIntervalMs: alerter.checkpointIntervalMs,
      metricsListen: alerter.metricsListen,
      log,
    });
    await runComponent(instance, log);
  });
}

/** Every webhook, and standard output for whoever runs the alerter in a terminal. */
function receiversOf({ alerter }: Pick<Config, 'alerter'>): Receiver[] {
  const webhooks = alerter.webhooks.map(
    (url) =>
      new WebhookReceiver({
        name: receiverName(url),
        url,
        version,
        timeoutMs: alerter.notifyTimeoutMs,
        externalUrl: alerter.externalUrl ?? '',
      }),
  );
  const names = new Set(webhooks.map(({ name }) => name));
  if (names.size < webhooks.length) {
    throw new RollcallError('usage', 'a webhook is given twice: remove one of them');
  }
  return [new TerminalReceiver(process.stdout), ...webhooks];
}
