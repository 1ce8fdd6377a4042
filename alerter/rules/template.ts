import { faulty, parsed, type Parsed } from '../promql/fault.ts';
import { RenderError, TemplateReader, type Fragment } from './template-reader.ts';

export const TEMPLATE_LENGTH_MAX = 16_384;

/** The labels of an alert by name. */
export type Labels = Readonly<Record<string, string>>;

/** What a template can speak of. */
export interface TemplateData {
  readonly labels: Labels;
  readonly value: number;
}

/** The text of a label or an annotation, compiled once and rendered for every alert. */
export class Template {
  /** As it stands in the rule file. */
  readonly text: string;
  readonly #fragments: readonly Fragment[];

  constructor(text: string, fragments: readonly Fragment[]) {
    this.text = text;
    this.#fragments = fragments;
  }

  /**
   * Fills in the labels and the value of an alert. A label that is missing leaves nothing behind.
   * Never throws: what cannot be rendered, such as `humanize` of a label that is no number, gives a
   * text that says so, as in Prometheus, because an alert with a poor text is better than none.
   */
  render(labels: Labels, value: number): string {
    const data: TemplateData = { labels, value };
    let text = '';
    try {
      for (const fragment of this.#fragments) {
        text += typeof fragment === 'string' ? fragment : fragment(data);
      }
    } catch (thrown) {
      if (!(thrown instanceof RenderError)) throw thrown;
      return `<error expanding template: ${thrown.message}>`;
    }
    return text;
  }
}

/**
 * Compiles a template of Prometheus: text with `{{ … }}`, in which stand `$labels.name`, `$value`,
 * literals, and pipelines of the functions in `template-function.ts` and `printf`. Everything else
 * of Go's templates is refused at its place.
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
 * @see https://pkg.go.dev/text/template
 */
export function compileTemplate(text: string): Parsed<Template> {
  if (text.length > TEMPLATE_LENGTH_MAX) {
    return faulty(0, `this template is longer than ${TEMPLATE_LENGTH_MAX} characters`);
  }
  const fragments = new TemplateReader(text).fragments();
  return fragments.ok ? parsed(new Template(text, fragments.value)) : fragments;
}
