// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs what it installs
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { Teardown } from '../../embedded/test-servers.ts';
import type { TlsPaths } from '../tls-files.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

type KeyPair = webcrypto.CryptoKeyPair;

const newKeys = (): Promise<KeyPair> =>
  crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** What a certificate says; by default it is good for 127.0.0.1 today. */
export interface Wanted {
  readonly addresses?: readonly string[];
  readonly names?: readonly string[];
  readonly isExpired?: boolean;
}

/** A certificate authority of a test. */
export class Authority {
  readonly pem: string;
  readonly #keys: KeyPair;
  readonly #name: string;

  private constructor(pem: string, keys: KeyPair, name: string) {
    this.pem = pem;
    this.#keys = keys;
    this.#name = name;
  }

  static async create(name: string): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      notBefore: new Date(Date.now() - 10 * DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    });
    return new Authority(certificate.toString('pem'), keys, `CN=${name}`);
  }

  /** A certificate, signed by this authority, and its key, as PEM. */
  async issue(subject: string, wanted: Wanted = {}): Promise<{ cert: string; key: string }> {
    const keys = await newKeys();
    const names = [
      ...(wanted.addresses ?? ['127.0.0.1']).map((value) => ({ type: 'ip', value }) as const),
      ...(wanted.names ?? []).map((value) => ({ type: 'dns', value }) as const),
    ];
    const endMs = Date.now() + (wanted.isExpired === true ? -DAY_MS : DAY_MS);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${subject}`,
      issuer: this.#name,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      notBefore: new Date(Date.now() - 5 * DAY_MS),
      notAfter: new Date(endMs),
      extensions: [new x509.SubjectAlternativeNameExtension(names)],
    });
    const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
    const body = pkcs8.toString('base64').replace(/.{64}/g, '$&\n');
    return {
      cert: certificate.toString('pem'),
      key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
    };
  }
}

/** One side's three files, in a folder that goes away with the test. */
export class CertificateFolder {
  readonly paths: TlsPaths;

  constructor(t: Teardown) {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-tls-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const path = (name: string) => join(folder, `${name}.pem`);
    this.paths = { cert: path('cert'), key: path('key'), ca: path('ca') };
  }

  /** Writes, or writes over, what `authority` issued; `trusted` is whom this side believes. */
  async write(authority: Authority, trusted: Authority, wanted: Wanted = {}): Promise<this> {
    const { cert, key } = await authority.issue('rollcall', wanted);
    writeFileSync(this.paths.cert, cert);
    writeFileSync(this.paths.key, key);
    writeFileSync(this.paths.ca, trusted.pem);
    return this;
  }
}
