// Real reviews, spoilt in every way that we could think of, and random ones: 100,000 of them with ZONESPREAD_FULL, a sample without.
//
// What is right for a spoilt review is not known in general; this much is:
//   neutral edits, any way of writing it down      the verdict of the review as it was recorded, to the letter
//   edits of all that no refusal rests on, types   what was refused is not allowed (refused for whatever reason, or 400)
//     included
//   anything, random bytes included                an answer for that very review, or that it is malformed; nothing is thrown
// The shortcut for plain allows is part of all of it, and is held against the whole review besides.

import * as fc from 'fast-check';
import { Agent, request } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renewed } from '../../src/admission/certificates.ts';
import { createDesk, type Desk, type ReviewPath } from '../../src/admission/desk.ts';
import { MUTATING, VALIDATING } from '../../src/admission/judge.ts';
import { MalformedReview } from '../../src/admission/review.ts';
import { startReviewServer, type ReviewServer } from '../../src/admission/server.ts';
import { SILENT, surelyAllowed } from '../../src/admission/shortcut.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { RECORDED, recordedWorld } from './corpus/reviews.ts';
import { blindly, EDITS, neutrally, STYLE, wildly, written, type JsonObject } from './mutations.ts';

const REVIEWS = process.env['ZONESPREAD_FULL'] === undefined ? 3_000 : 100_000;
/** Shares of the reviews. */
const [NEUTRAL, WILD, BLIND, RANDOM, ON_THE_WIRE] = [0.4, 0.25, 0.25, 0.07, 0.03];
const SEED = Number(process.env['ZONESPREAD_SEED'] ?? 6);
const runs = (share: number): fc.Parameters<unknown> => ({ numRuns: Math.ceil(REVIEWS * share), seed: SEED });
const TIMEOUT = { timeout: 280_000 };

const world = recordedWorld();
const quiet = { reviewed: () => undefined };
const newDesk = (rules?: Parameters<typeof createDesk>[0]['rules']): Desk => createDesk({ world, clock: systemClock, log: new FakeLog(), metrics: quiet, ...(rules === undefined ? {} : { rules }) });
const desk = newDesk();

const pathOf = (name: string): ReviewPath => (/--create-(pod|persistentvolumeclaim)--/.test(name) ? '/mutate' : '/validate');
const CORPUS = RECORDED.map(({ name, text }) => ({ name, text, path: pathOf(name), review: JSON.parse(text) as JsonObject }));

interface Verdict {
  allowed: boolean;
  uid: string;
  status?: { code: number; message: string };
  patch?: string;
  warnings?: string[];
}

/** Undefined: malformed. @throws whatever else the desk throws */
function verdictOn(path: ReviewPath, text: string, by: Desk = desk): Verdict | undefined {
  try {
    return (JSON.parse(by.reply(path, text)) as { response: Verdict }).response;
  } catch (error) {
    if (error instanceof MalformedReview) return undefined;
    throw error;
  }
}

function withoutUid(verdict: Verdict | undefined): object | undefined {
  if (verdict === undefined) return undefined;
  const { uid: _uid, ...rest } = verdict;
  return rest;
}

const EXPECTED = new Map(CORPUS.map(({ name, path, text }) => [name, verdictOn(path, text)]));
const REFUSED = CORPUS.filter(({ name }) => EXPECTED.get(name)?.allowed === false);
const oneOf = <T>(list: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...list);

describe('the corpus', () => {
  test('has refusals, patches, warnings and plain allows of every kind', () => {
    expect(REFUSED.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'delete-collection--delete-persistentvolumeclaim--jane',
        'delete-record--delete-ordinalmigration--jane',
        'delete-set--delete-statefulset--jane',
        'delete-volume--delete-persistentvolume--jane',
        'grow-claim--update-persistentvolumeclaim--jane',
        'policy-wrong--update-namespace--jane',
        'policy-wrong--update-statefulset--jane',
        'reclaim-policy--update-persistentvolume--jane',
        'scale-away--update-scale-scale--jane',
        'status--update-ordinalmigration-status--jane',
        'unbind--update-persistentvolume--jane',
        'unfinalize--update-ordinalmigration--jane',
        'unlabel--update-persistentvolume--jane',
        'unlabel--update-persistentvolumeclaim--jane',
        'update-ordinals--update-statefulset--jane',
        'update-replicas-away--update-statefulset--jane',
        'update-retention--update-statefulset--jane',
      ]),
    );
    const verdicts = [...EXPECTED.values()];
    expect(verdicts.filter((verdict) => verdict?.patch !== undefined).length).toBeGreaterThanOrEqual(1);
    expect(verdicts.filter((verdict) => verdict?.warnings !== undefined).length).toBeGreaterThanOrEqual(2);
    expect(verdicts.filter((verdict) => verdict?.allowed === true).length).toBeGreaterThanOrEqual(30);
    expect(verdicts).not.toContain(undefined);
  });

  test('knows each rule to be silent or not: a new one is added to SILENT when that holds for it', () => {
    expect([...MUTATING, ...VALIDATING].map(({ name }) => name).filter((name) => !SILENT.has(name))).toEqual([]);
  });

  test('is judged the same by the shortcut and without it, and some of it takes the shortcut', () => {
    // A rule that is not known to be silent: every review is read whole.
    const other = { name: 'other', onError: 'allow' as const, applies: () => false, judge: () => undefined };
    const thorough = newDesk({ mutating: [...MUTATING, other], validating: [...VALIDATING, other] });
    for (const { name, path, text } of CORPUS) expect(verdictOn(path, text, thorough), name).toEqual(EXPECTED.get(name));
    const short = CORPUS.filter(({ text }) => surelyAllowed(text, world) !== undefined).map(({ name }) => name);
    expect(short).toEqual(expect.arrayContaining(['birth--create-pod--statefulset-controller', 'other-set--update-statefulset--jane']));
    expect(short.filter((name) => EXPECTED.get(name)?.allowed !== true || EXPECTED.get(name)?.patch !== undefined)).toEqual([]);
  });
});

describe(`${REVIEWS} reviews`, () => {
  test('edited where no rule looks, and written down in any way, are judged as before', TIMEOUT, () => {
    fc.assert(
      fc.property(oneOf(CORPUS), EDITS, STYLE, ({ name, path, review }, edits, style) => {
        const edited = neutrally(review, edits);
        const verdict = verdictOn(path, written(edited, style));
        expect(verdict?.uid).toBe((edited['request'] as JsonObject)['uid']);
        expect(withoutUid(verdict)).toEqual(withoutUid(EXPECTED.get(name)));
      }),
      runs(NEUTRAL),
    );
  });

  test('that were refused are not allowed, whatever becomes of all that the refusal does not rest on', TIMEOUT, () => {
    fc.assert(
      fc.property(oneOf(REFUSED), EDITS, STYLE, ({ path, review }, edits, style) => {
        expect(verdictOn(path, written(wildly(review, edits), style))?.allowed).not.toBe(true);
      }),
      runs(WILD),
    );
  });

  test('spoilt anywhere get an answer of their own, or are malformed', TIMEOUT, () => {
    fc.assert(
      fc.property(oneOf(CORPUS), EDITS, STYLE, fc.constantFrom<ReviewPath>('/mutate', '/validate'), ({ review }, edits, style, path) => {
        const edited = blindly(review, edits);
        const verdict = verdictOn(path, written(edited, style));
        return verdict === undefined || verdict.uid === (edited['request'] as JsonObject)['uid'];
      }),
      runs(BLIND),
    );
  });

  const CUTS = fc.tuple(oneOf(CORPUS), fc.nat(), fc.nat(), fc.string({ unit: 'binary', maxLength: 20 })).map(([{ text }, from, length, put]) => {
    const begin = from % text.length;
    return `${text.slice(0, begin)}${put}${text.slice(begin + (length % 200))}`;
  });
  const ANY_TEXT = fc.oneof(CUTS, fc.string({ unit: 'binary', maxLength: 300 }), fc.json({ maxDepth: 5 }), fc.nat({ max: 50_000 }).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`));

  test('cut, spliced and random ones too', TIMEOUT, () => {
    fc.assert(
      fc.property(ANY_TEXT, fc.constantFrom<ReviewPath>('/mutate', '/validate'), (text, path) => {
        const verdict = verdictOn(path, text);
        return verdict === undefined || typeof verdict.allowed === 'boolean';
      }),
      runs(RANDOM),
    );
  });

  describe('over the wire', () => {
    let server: ReviewServer;
    let agent: Agent;
    beforeAll(async () => {
      const certificates = await renewed(undefined, ['127.0.0.1'], Date.now());
      agent = new Agent({ keepAlive: true, maxSockets: 8, ca: certificates.bundle });
      server = await startReviewServer({ listen: { host: '127.0.0.1', port: 0 }, certificates, world, canJudge: () => true, ready: () => true, clock: systemClock, log: new FakeLog(), metrics: quiet });
    });
    afterAll(async () => {
      agent.destroy();
      await server.close();
    });

    const post = (path: ReviewPath, body: string): Promise<{ status: number; text: string }> =>
      new Promise((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port: server.port, path: `${path}?timeout=2s`, method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        });
        sent.once('error', reject).end(body);
      });

    test('the answer is the same: 200 with the verdict, or 400 with what is wrong', TIMEOUT, async () => {
      const texts = fc.oneof(ANY_TEXT, fc.tuple(oneOf(CORPUS), EDITS, STYLE).map(([{ review }, edits, style]) => written(blindly(review, edits), style)));
      await fc.assert(
        fc.asyncProperty(texts, async (text) => {
          const verdict = verdictOn('/validate', Buffer.from(text).toString());
          const answer = await post('/validate', text);
          const isRight = verdict === undefined ? answer.status === 400 && /^zonespread: \S/.test(answer.text) : answer.status === 200 && isDeepStrictEqual((JSON.parse(answer.text) as { response: Verdict }).response, verdict);
          expect({ ...answer, isRight }).toMatchObject({ isRight: true });
        }),
        runs(ON_THE_WIRE),
      );
    });
  });
});
