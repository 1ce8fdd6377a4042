import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { reasonOf, RollcallError } from '../error.ts';

/** Paths of PEM files: the own certificate and key, and the authority both sides trust. */
export interface TlsPaths {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** The contents of the files. */
export interface TlsPem {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/**
 * The certificates of one side. `refresh` notices files that were replaced, so that certificates are
 * rotated without a restart; new connections use the new ones.
 */
export class TlsFiles {
  readonly #paths: TlsPaths;
  #stamp: string;
  #pem: TlsPem;
  #context: SecureContext;

  /** @throws RollcallError `tls_files` when a file is missing or is not what it should be. */
  constructor(paths: TlsPaths) {
    this.#paths = paths;
    this.#stamp = stampOf(paths);
    this.#pem = readPem(paths);
    this.#context = contextOf(this.#pem);
  }

  /** For dialling; another object once the files were read again. */
  get context(): SecureContext {
    return this.#context;
  }

  /** For listening: a TLS server of Node takes no context, only what it is made of. */
  get pem(): TlsPem {
    return this.#pem;
  }

  /**
   * Reads the files again if one of them changed.
   *
   * @returns whether the context is new
   * @throws RollcallError `tls_files`; the previous context stays in use
   */
  refresh(): boolean {
    const stamp = stampOf(this.#paths);
    if (stamp === this.#stamp) return false;
    const pem = readPem(this.#paths);
    this.#context = contextOf(pem);
    this.#pem = pem;
    this.#stamp = stamp;
    return true;
  }
}

function readPem(paths: TlsPaths): TlsPem {
  try {
    return {
      cert: readFileSync(paths.cert),
      key: readFileSync(paths.key),
      ca: readFileSync(paths.ca),
    };
  } catch (cause) {
    throw unusable(cause);
  }
}

function contextOf(pem: TlsPem): SecureContext {
  try {
    return createSecureContext({ ...pem, minVersion: 'TLSv1.3' });
  } catch (cause) {
    throw unusable(cause);
  }
}

function stampOf(paths: TlsPaths): string {
  try {
    return [paths.cert, paths.key, paths.ca]
      .map((path) => statSync(path))
      .map((stat) => `${stat.ino}:${stat.mtimeMs}:${stat.size}`)
      .join(' ');
  } catch (cause) {
    throw unusable(cause);
  }
}

function unusable(cause: unknown): RollcallError {
  return new RollcallError(
    'tls_files',
    `the TLS files cannot be used: ${reasonOf(cause)}; check --tls-cert-file, --tls-key-file and --tls-ca-file`,
    { cause },
  );
}
