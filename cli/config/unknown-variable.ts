import { configEnv, sectionNames, settingsOf } from './named-setting.ts';
import { nearestWord } from './nearest-word.ts';

const PREFIX = 'ROLLCALL_';

/** What is read elsewhere. */
const NO_SETTINGS: ReadonlySet<string> = new Set([
  configEnv,
  'ROLLCALL_SUPERVISED',
  'ROLLCALL_FAIL_POINTS',
  'ROLLCALL_NODE',
  'ROLLCALL_WRITE_DOCUMENTS',
]);

/** Programs for tests, named by their paths. */
const PROGRAMS: ReadonlySet<string> = new Set([
  'ROLLCALL_NATS_SERVER',
  'ROLLCALL_NODE_EXPORTER',
  'ROLLCALL_PROMETHEUS',
  'ROLLCALL_PROMTOOL',
]);

/** What Kubernetes sets for a service whose name begins with `rollcall`. */
const OF_KUBERNETES =
  /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;

/** A line for each variable that looks like a setting, is none, and so changes nothing. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = sectionNames.flatMap(settingsOf).map((setting) => setting.env);
  const names = new Set([...known, ...NO_SETTINGS]);
  return Object.entries(env)
    .filter(([name, value = '']) => {
      const isOther = PROGRAMS.has(name) ? value.startsWith('/') : OF_KUBERNETES.test(name);
      return name.startsWith(PREFIX) && value !== '' && !names.has(name) && !isOther;
    })
    .map(([name]) => {
      const bare = known.map((one) => one.slice(PREFIX.length));
      const nearest = nearestWord(name.slice(PREFIX.length), bare);
      const meant = nearest === undefined ? '' : `; did you mean ${PREFIX}${nearest}?`;
      return `${name} is no setting and changes nothing${meant}`;
    });
}
