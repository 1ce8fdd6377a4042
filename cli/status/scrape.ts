import { request } from 'undici';
import type { Address } from '../../pipeline/dial/address.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import type { Figures } from './figures.ts';

/** The metrics of one component, as it serves them. */
export class Scrape implements Figures {
  readonly #sums: ReadonlyMap<string, number>;

  private constructor(sums: ReadonlyMap<string, number>) {
    this.#sums = sums;
  }

  /** Undefined if the component does not answer. */
  static async of(address: Address): Promise<Scrape | undefined> {
    try {
      const response = await request(`http://${formatAddress(address)}/metrics`, {
        headersTimeout: 2000,
        bodyTimeout: 2000,
      });
      const text = await response.body.text();
      return response.statusCode === 200 ? new Scrape(sumsOf(text)) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The sum of all series of a metric; undefined if there is none. */
  sum(name: string): number | undefined {
    const sum = this.#sums.get(name);
    return sum === undefined || Number.isNaN(sum) ? undefined : sum;
  }
}

function sumsOf(text: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)$/gm)) {
    sums.set(name!, (sums.get(name!) ?? 0) + Number(value));
  }
  return sums;
}
