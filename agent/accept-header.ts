/**
 * How much a client wants a media type or a coding, 0 to 1, from its `Accept` or `Accept-Encoding`
 * header (RFC 9110, 12.4.2); 0 if it is not named.
 */
export function qualityOf(header: string | undefined, wanted: string): number {
  let best = 0;
  for (const item of (header ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    if (name !== wanted) continue;
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const value = quality === undefined ? 1 : Number(quality.slice(2));
    if (value > best && value <= 1) best = value;
  }
  return best;
}
