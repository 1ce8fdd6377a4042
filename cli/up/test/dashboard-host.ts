/* A program that draws on its standard output, as if that were a terminal, and ends as it is told. */
import { Dashboard } from '../dashboard.ts';
import { SAMPLE } from './sample-snapshot.ts';

Object.assign(process.stdout, { isTTY: true, columns: 80, rows: 24 });
new Dashboard(process.stdout, () => SAMPLE).open();
if (process.argv[2] === 'exit') process.exit(0);
throw new Error('something else went wrong');
