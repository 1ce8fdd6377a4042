import type { HostFiles } from './host-files.ts';

/** Fedora, which links the file and tells when its support ends. */
export const osFiles: HostFiles = {
  'root/etc/os-release': { link: '../usr/lib/os-release' },
  'root/usr/lib/os-release': [
    'NAME="Fedora Linux"',
    'VERSION="41 (Server Edition)"',
    'RELEASE_TYPE=stable',
    'ID=fedora',
    'ID_LIKE="rhel centos"',
    'VERSION_ID=41',
    'VERSION_CODENAME=""',
    'PLATFORM_ID="platform:f41"',
    'PRETTY_NAME="Fedora Linux 41 (Server Edition)"',
    'ANSI_COLOR="0;38;2;60;110;180"',
    'LOGO=fedora-logo-icon',
    'HOME_URL="https://fedoraproject.org/"',
    'SUPPORT_END=2025-12-15',
    'VARIANT="Server Edition"',
    'VARIANT_ID=server',
    '',
  ].join('\n'),
};

/** What os-release(5) allows besides: quotes, escapes, comments, an image. */
export const oddOsFiles: HostFiles = {
  'root/etc/os-release': [
    '# made by hand # twice',
    '',
    'NAME=\'Odd "OS"\'',
    'export ID=odd # not the one of the other file',
    'PRETTY_NAME="Odd \\"OS\\" 7.2.1 # \\\\ here"',
    'VERSION_ID=7.2.1-beta',
    'BUILD_ID="2026 11 22"',
    'IMAGE_ID = odd-image',
    "IMAGE_VERSION='33'x",
    'VERSION=Größe 7',
    '',
  ].join('\n'),
  'root/usr/lib/os-release': 'NAME=Other\nID=other\n',
};
