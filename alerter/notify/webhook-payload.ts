import type { Notification, NotificationStatus } from './notification.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * The body of Alertmanager's webhook, version 4.
 * Source: Alertmanager, docs/configuration.md, "<webhook_config>"; `notify/webhook/webhook.go`
 * (`Message`) and `template/template.go` (`Data`, `Alert`), whose order of fields is kept.
 */
export interface WebhookPayload {
  readonly receiver: string;
  readonly status: NotificationStatus;
  readonly alerts: readonly {
    readonly status: NotificationStatus;
    readonly labels: Labels;
    readonly annotations: Labels;
    readonly startsAt: string;
    readonly endsAt: string;
    readonly generatorURL: string;
    readonly fingerprint: string;
  }[];
  readonly groupLabels: Labels;
  readonly commonLabels: Labels;
  readonly commonAnnotations: Labels;
  readonly externalURL: string;
  readonly version: '4';
  readonly groupKey: string;
  readonly truncatedAlerts: number;
}

export interface PayloadOptions {
  /** The receiver's name. */
  readonly receiver: string;
  /** Where people find this Rollcall; '' if nowhere. */
  readonly externalUrl: string;
  /** Where people find the rule that `alertname` stands for; '' if nowhere. */
  readonly generatorUrl: string;
}

/** `notification` in Alertmanager's form. No alert is left out: a large group is several messages. */
export function webhookPayload(
  notification: Notification,
  options: PayloadOptions,
): WebhookPayload {
  const { alerts, alertname, groupKey, status } = notification;
  return {
    receiver: options.receiver,
    status,
    alerts: alerts.map(({ status, labels, annotations, startsAt, endsAt, fingerprint }) => ({
      status,
      labels,
      annotations,
      startsAt,
      endsAt,
      generatorURL: options.generatorUrl,
      fingerprint,
    })),
    groupLabels: { alertname },
    commonLabels: common(alerts.map(({ labels }) => labels)),
    commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
    externalURL: options.externalUrl,
    version: '4',
    groupKey,
    truncatedAlerts: 0,
  };
}

/** The pairs that all `sets` have. */
function common(sets: readonly Labels[]): Labels {
  const [first, ...others] = sets;
  if (first === undefined) return {};
  const shared = Object.entries(first).filter(([name, value]) =>
    others.every((other) => Object.hasOwn(other, name) && other[name] === value),
  );
  return Object.fromEntries(shared);
}
