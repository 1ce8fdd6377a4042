/** One process' figures, as `/metrics` told them. */
export class ScrapedMetrics {
  readonly #samples: readonly { readonly name: string; readonly labels: string; value: number }[];

  /** @param text Prometheus' text format */
  constructor(text: string) {
    this.#samples = text.split('\n').flatMap((line) => {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)/.exec(line);
      if (match === null) return [];
      return [{ name: match[1]!, labels: match[2] ?? '', value: Number(match[3]) }];
    });
  }

  /** The sum over all series of a metric whose labels contain `label`, such as `reason="timeout"`. */
  sum(name: string, label = ''): number {
    return this.#samples
      .filter((sample) => sample.name === name && sample.labels.includes(label))
      .reduce((total, { value }) => total + value, 0);
  }
}

/** @returns undefined if nobody answers within two seconds */
export async function scrape(port: number): Promise<ScrapedMetrics | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(2000),
    });
    return new ScrapedMetrics(await response.text());
  } catch {
    return undefined;
  }
}
