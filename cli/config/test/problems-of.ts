import { type ConfigRequest, loadConfig } from '../load.ts';
import { sectionNames } from '../named-setting.ts';
import { ConfigError } from '../problem.ts';

/** The lines of the error that a configuration of all sections ends in; none if it is sound. */
export function problemsOf(request: Partial<ConfigRequest>): string[] {
  try {
    loadConfig({ sections: sectionNames, flags: {}, env: {}, ...request });
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}
