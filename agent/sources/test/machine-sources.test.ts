import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { cpuFiles } from '../../test/host/cpu.ts';
import { dmiFiles } from '../../test/host/dmi.ts';
import { writeHost, type HostFiles } from '../../test/host/host-files.ts';
import { oddOsFiles, osFiles } from '../../test/host/os.ts';
import type { HostPaths } from '../../source.ts';
import { cpuSource } from '../cpu.ts';
import { dmiSource } from '../dmi.ts';
import { SELDOM_READS } from '../kernel-file.ts';
import { parseAssignment } from '../os-release.ts';
import { osSource } from '../os.ts';
import { RecordingSink } from './recording-sink.ts';

function host(t: Test, ...files: readonly HostFiles[]): HostPaths {
  return writeHost(t.testdir({}), ...files);
}

await t.test('throttles are counted once a core and once a package', (t) => {
  const paths = host(t, cpuFiles);
  const sink = new RecordingSink();
  const source = cpuSource(paths);
  const throttles = (): Record<string, number> =>
    Object.fromEntries(
      Object.entries(sink.tick(source)).filter(([key]) => key.includes('_throttles_')),
    );
  const others = {
    'node_cpu_core_throttles_total{core="1",package="0"}': 0,
    'node_cpu_core_throttles_total{core="0",package="1"}': 70,
    'node_cpu_core_throttles_total{core="1",package="1"}': 0,
  };
  t.same(throttles(), {
    'node_cpu_core_throttles_total{core="0",package="0"}': 5,
    'node_cpu_package_throttles_total{package="0"}': 30,
    ...others,
  });
  const cpus = `${paths.sysfs}/devices/system/cpu`;
  writeFileSync(`${cpus}/cpu0/thermal_throttle/core_throttle_count`, '6\n');
  t.equal(throttles()['node_cpu_core_throttles_total{core="0",package="0"}'], 6);
  rmSync(`${cpus}/cpu0`, { recursive: true });
  for (let read = 0; read < SELDOM_READS; read++) throttles();
  t.same(
    throttles(),
    {
      'node_cpu_core_throttles_total{core="0",package="0"}': 6,
      'node_cpu_package_throttles_total{package="0"}': 31,
      ...others,
    },
    'another CPU of the core is asked',
  );
  t.same(sink.malformations, []);
  source.close();
  t.end();
});

await t.test('throttles of a CPU with strange files', (t) => {
  const paths = host(t, cpuFiles);
  const cpu = `${paths.sysfs}/devices/system/cpu/cpu0`;
  rmSync(`${cpu}/thermal_throttle/package_throttle_count`);
  mkdirSync(`${cpu}/thermal_throttle/package_throttle_count`);
  const counts: string[][] = [];
  for (const contents of ['', 'x', '1.5e3', '\0', '99999999999999999999999']) {
    writeFileSync(`${cpu}/thermal_throttle/core_throttle_count`, contents);
    const sink = new RecordingSink();
    const source = cpuSource(paths);
    const value = sink.tick(source)['node_cpu_core_throttles_total{core="0",package="0"}'];
    counts.push([String(value), ...sink.malformations]);
    source.close();
  }
  const malformed = ['undefined', `cpu: no number in ${cpu}/thermal_throttle/core_throttle_count`];
  t.same(counts, [malformed, malformed, malformed, malformed, ['1e+23']]);
  t.end();
});

await t.test('the operating system names itself', (t) => {
  const paths = host(t, osFiles);
  const sink = new RecordingSink();
  const source = osSource(paths);
  const fedora = {
    'node_os_info{build_id="",id="fedora",id_like="rhel centos",image_id="",image_version="",name="Fedora Linux",pretty_name="Fedora Linux 41 (Server Edition)",variant="Server Edition",variant_id="server",version="41 (Server Edition)",version_codename="",version_id="41"}': 1,
    'node_os_version{id="fedora",id_like="rhel centos",name="Fedora Linux"}': 41,
    node_os_support_end_timestamp_seconds: 1_765_756_800,
  };
  t.same(sink.tick(source), fedora);
  const small = 'ID=small\nVERSION_ID=rolling\nSUPPORT_END=2025-02-30\nrubbish\nNAME="open\n';
  writeFileSync(`${paths.rootfs}/usr/lib/os-release`, small);
  t.same(sink.tick(source), fedora, 'the file is read seldom');
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), {
    'node_os_info{build_id="",id="small",id_like="",image_id="",image_version="",name="",pretty_name="",variant="",variant_id="",version="",version_codename="",version_id="rolling"}': 1,
  });
  t.same(sink.malformations, [
    'os: no assignment: rubbish',
    'os: no assignment: NAME="open',
    'os: no date: 2025-02-30',
  ]);
  rmSync(`${paths.rootfs}/usr/lib/os-release`);
  for (let read = 1; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), {});
  source.close();
  t.end();
});

await t.test('quotes, comments and escapes of os-release', (t) => {
  const sink = new RecordingSink();
  t.same(sink.tick(osSource(host(t, oddOsFiles))), {
    'node_os_info{build_id="2026 11 22",id="odd",id_like="",image_id="odd-image",image_version="33x",name="Odd \\"OS\\"",pretty_name="Odd \\"OS\\" 7.2.1 # \\\\ here",variant="",variant_id="",version="Größe 7",version_codename="",version_id="7.2.1-beta"}': 1,
    'node_os_version{id="odd",id_like="",name="Odd \\"OS\\""}': 7.2,
  });
  t.same(sink.malformations, []);
  const assignments: readonly (readonly [line: string, value: string | null | undefined])[] = [
    ['A=', ''],
    ['A=""', ''],
    ['A="x" # "y"', 'x'],
    ['A=x y  # z', 'x y'],
    ["A='#'", '#'],
    ["A=' ' # z", ' '],
    ["A='\\'", '\\'],
    ['A="\\$\\`\\n\\x"', '$`\n\\x'],
    ['A="\\', null],
    ["A='", null],
    ['A=\u0001', null],
    ['A', null],
    ['=x', null],
    ['1A=x', null],
    ['A-B=x', null],
    ['  ', undefined],
    [' # A=x', undefined],
  ];
  for (const [line, value] of assignments) {
    const parsed = parseAssignment(line);
    t.equal(parsed === null || parsed === undefined ? parsed : parsed[1], value);
  }
  t.end();
});

await t.test('an os-release that is no text, or endless', (t) => {
  const paths = host(t, { 'root/etc/os-release': { link: '/dev/zero' } });
  const sink = new RecordingSink();
  t.same(sink.tick(osSource(paths)), {});
  t.same(sink.malformations, [`os: ${paths.rootfs}/etc/os-release is larger than 65536 bytes`]);
  mkdirSync(`${paths.rootfs}/usr/lib`, { recursive: true });
  writeFileSync(`${paths.rootfs}/usr/lib/os-release`, `ID=\xff\0\nNAME=${'x'.repeat(2000)}\nA=\n`);
  t.same(sink.tick(osSource(paths)), {});
  t.same(sink.malformations.slice(2), [
    'os: no assignment: ID=\xff\0',
    'os: name is longer than 1024 bytes',
  ]);
  t.end();
});

await t.test('the firmware describes the machine, but for what cannot be read', (t) => {
  const paths = host(t, dmiFiles);
  const directory = `${paths.sysfs}/class/dmi/id`;
  // Not a matter of permissions here: tests may run as root.
  rmSync(`${directory}/product_serial`);
  mkdirSync(`${directory}/product_serial`);
  writeFileSync(`${directory}/board_version`, Buffer.from('2.\xff\xfe0\n', 'latin1'));
  writeFileSync(`${directory}/bios_version`, `${'x'.repeat(200)}\n`);
  const sink = new RecordingSink();
  const source = dmiSource(paths);
  const info = `node_dmi_info{bios_date="10/17/2024",bios_release="2.4",bios_vendor="American Megatrends International, LLC.",bios_version="${'x'.repeat(128)}",board_asset_tag="Base Board Asset Tag",board_name="X12DPi-N6",board_serial="OM234S000001",board_vendor="Supermicro",board_version="2.\ufffd0",chassis_asset_tag="",chassis_serial="C8260LL00A00001",chassis_vendor="Supermicro",chassis_version="0123456789",product_family="Größe 2",product_name="SYS-620U-TNR",product_uuid="3cecefa1-2014-11ee-8000-3cecefa12014",product_version="0123456789",system_vendor="Supermicro"}`;
  t.same(sink.tick(source), { [info]: 1 });
  rmSync(directory, { recursive: true });
  for (let read = 0; read < SELDOM_READS; read++) sink.tick(source);
  t.same(sink.tick(source), { [info]: 1 }, 'it is read once');
  source.close();
  t.same(sink.tick(source), {});
  t.same(sink.malformations, []);
  t.end();
});
