// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs what it installs
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Longer than any run. */
const GOOD_FOR_DAYS = 30;

/** PEM files of an authority; whoever has both issues certificates. */
export interface AuthorityPaths {
  readonly cert: string;
  readonly key: string;
}

/** What both sides of a run need for mutual TLS. */
export interface RunCertificates {
  /** For the simulated servers, which issue their own. */
  readonly authority: AuthorityPaths;
  /** For everything at 127.0.0.1: collectors, and what takes their place. */
  readonly collector: TlsPaths;
}

/** PEM texts of one who listens or dials. */
export interface IssuedPem {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Makes an authority and the collectors' certificate, as files in a folder that is there. */
export async function makeCertificates(folder: string): Promise<RunCertificates> {
  const path = (name: string): string => join(folder, `${name}.pem`);
  const authority = { cert: path('ca'), key: path('ca-key') };
  const collector = { cert: path('collector'), key: path('collector-key'), ca: authority.cert };
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=authority',
    keys,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  writeFileSync(authority.cert, certificate.toString('pem'));
  writeFileSync(authority.key, await privatePem(keys));
  const issuer = await Issuer.open(authority);
  const { cert, key } = await issuer.issue('collector', ['127.0.0.1']);
  writeFileSync(collector.cert, cert);
  writeFileSync(collector.key, key);
  return { authority, collector };
}

/** The settings with which collectors dial over mutual TLS; none if it is left out. */
export function tlsEnvironment(tls: TlsPaths | undefined): Readonly<Record<string, string>> {
  if (tls === undefined) return {};
  return {
    ROLLCALL_TLS_CERT_FILE: tls.cert,
    ROLLCALL_TLS_KEY_FILE: tls.key,
    ROLLCALL_TLS_CA_FILE: tls.ca,
  };
}

/** Signs certificates with an authority's key; all of them share one key of their own. */
export class Issuer {
  readonly #ca: string;
  readonly #name: string;
  readonly #signingKey: webcrypto.CryptoKey;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #key: string;

  private constructor(parts: {
    ca: string;
    signingKey: webcrypto.CryptoKey;
    keys: webcrypto.CryptoKeyPair;
    key: string;
  }) {
    this.#ca = parts.ca;
    this.#name = new x509.X509Certificate(parts.ca).subject;
    this.#signingKey = parts.signingKey;
    this.#keys = parts.keys;
    this.#key = parts.key;
  }

  static async open(paths: AuthorityPaths): Promise<Issuer> {
    const [ca, key] = [readFileSync(paths.cert, 'utf8'), readFileSync(paths.key, 'utf8')];
    const der = Buffer.from(key.replace(/-----[^-]*-----/g, ''), 'base64');
    const signingKey = await crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    const keys = await newKeys();
    return new Issuer({ ca, signingKey, keys, key: await privatePem(keys) });
  }

  /** @param addresses IP addresses that it is good for */
  async issue(name: string, addresses: readonly string[]): Promise<IssuedPem> {
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: this.#name,
      publicKey: this.#keys.publicKey,
      signingKey: this.#signingKey,
      ...validity(),
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          addresses.map((value) => ({ type: 'ip', value }) as const),
        ),
      ],
    });
    return { cert: certificate.toString('pem'), key: this.#key, ca: this.#ca };
  }
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function privatePem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey));
  const body = der.toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
}

/** Clocks that cases set wrong by days stay within it. */
function validity(): { notBefore: Date; notAfter: Date } {
  const nowMs = Date.now();
  return {
    notBefore: new Date(nowMs - GOOD_FOR_DAYS * DAY_MS),
    notAfter: new Date(nowMs + GOOD_FOR_DAYS * DAY_MS),
  };
}
