import t from 'tap';
import type { Presence } from '../presence.ts';
import { decodePresence, encodePresence } from '../presence.ts';
import { Roster, SILENT_TICKS } from '../roster.ts';

function said(id: string, wanted: Partial<Presence> = {}): Presence {
  return { id, name: id, startedMs: 0, offers: ['1'], owns: 0, isLeaving: false, ...wanted };
}

function tick(roster: Roster, times: number): boolean {
  let isChanged = false;
  for (let i = 0; i < times; i += 1) isChanged = roster.tick() || isChanged;
  return isChanged;
}

await t.test('a member lives until it has been silent for some ticks', (t) => {
  const roster = new Roster();
  t.equal(roster.hear(said('a')), true, 'a new one');
  t.equal(roster.hear(said('a', { owns: 5 })), false, 'nothing that matters to shares');
  t.equal(tick(roster, SILENT_TICKS - 1), false);
  t.equal(roster.isGone('a'), false);
  roster.hear(said('a'));
  t.equal(tick(roster, SILENT_TICKS - 1), false);
  t.equal(tick(roster, 1), true);
  t.equal(roster.isGone('a'), true);
  t.same(roster.staying, []);
  t.end();
});

await t.test('who has only just begun to listen holds nobody for dead', (t) => {
  const roster = new Roster();
  t.equal(roster.isGone('b'), false);
  tick(roster, SILENT_TICKS - 1);
  t.equal(roster.isGone('b'), false);
  tick(roster, 1);
  t.equal(roster.isGone('b'), true);
  roster.hear(said('a'));
  tick(roster, 1);
  roster.restart();
  t.equal(roster.isGone('b'), false, 'nor who could not listen for a while');
  tick(roster, SILENT_TICKS - 1);
  t.equal(roster.staying.length, 1, 'and nobody it knew');
  t.end();
});

await t.test('who leaves gets no share, but is there until it is silent', (t) => {
  const roster = new Roster();
  tick(roster, SILENT_TICKS);
  roster.hear(said('a'));
  t.equal(roster.hear(said('a', { isLeaving: true })), true);
  t.same(roster.staying, []);
  t.equal(roster.isGone('a'), false, 'what it owns it will release');
  t.end();
});

await t.test('other offers change the shares', (t) => {
  const roster = new Roster();
  roster.hear(said('a'));
  t.equal(roster.hear(said('a', { offers: ['1', '2'] })), true);
  t.equal(roster.hear(said('a', { offers: ['1', '3'] })), true);
  t.end();
});

await t.test('a presence survives the wire, and anything else is none', (t) => {
  t.same(decodePresence(encodePresence(said('a'))), said('a'));
  for (const text of ['', '{}', 'null', '[1]', '{"id":1}', '\0']) {
    t.equal(decodePresence(Buffer.from(text)), undefined);
  }
  t.end();
});
