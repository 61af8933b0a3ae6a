/** "Real or dream?": ten rallies, each by the exact rules or by the learned engine, and what the guesses mean. */
import {HIT_LEFT, HIT_RIGHT, LEFT_SCORED, RIGHT_SCORED, PRESENT, eventsOf, randomBits} from "./rules.js";
import {makePlayer} from "./players.js";
import {ballsIn, interpolate, slotOf} from "./session.js";

/** A rally worth looking at has so many hits, and no more than so many ticks are shown of it. */
const FEWEST_HITS = 2;
const MOST_TICKS = 600;
const MOST_TRIES = 12;
/** A score that chance alone gives this seldom is taken for a sign. */
const RARE = 0.05;
/** Milliseconds of each picture that making rallies may take: while one is shown, and while one is waited for. */
const SLICE = {shown: 3, awaited: 9};

/** The horizontal events of all balls of a state. */
function horizontalEvents(state) { return Array.from({length: ballsIn(state)}, (_, k) => eventsOf(state, k)[0]); }

/** One rally of two trackers on `engine`, from the serve to the score: its states; it pauses after each tick. */
function* rallyOf(engine, seed) {
  const players = [0, 1].map((side) => makePlayer("level2", engine.game, side, seed));
  const states = [engine.reset(seed)];
  let isOver = false;
  while (!isOver && states.length <= MOST_TICKS) {
    const now = states.at(-1);
    states.push(engine.step(players[0].act(now), players[1].act(now)));
    isOver = horizontalEvents(states.at(-1)).some((event) => event === LEFT_SCORED || event === RIGHT_SCORED);
    yield;
  }
  return states;
}

/** The same at one go. */
export function playRally(engine, seed) {
  const rally = rallyOf(engine, seed);
  for (;;) {
    const {done, value} = rally.next();
    if (done) return value;
  }
}

/**
 * {states, passed}: the first rally from `seed` on that has enough hits, and how many were passed over for it, being
 * `short` or `lost` (the learned game got lost in them). After many tries a short one is shown. It pauses, too.
 */
function* goodRally(engine, seed) {
  const passed = {short: 0, lost: 0};
  let spare = null;
  for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
    let states;
    try { states = yield* rallyOf(engine, seed + attempt); } catch { passed.lost += 1; continue; }
    const hits = states.filter((state) => horizontalEvents(state).some((e) => e === HIT_LEFT || e === HIT_RIGHT));
    if (hits.length >= FEWEST_HITS) return {states, passed};
    passed.short += 1;
    spare = states;
  }
  if (spare === null) throw Error("the learned game got lost in every rally that was tried");
  passed.short -= 1;
  return {states: spare, passed};
}

/** The chance of `right` or more of `total` right answers for somebody who tosses a coin for each. */
export function chanceOf(right, total) {
  let [ways, sum] = [1, 0];
  for (let k = 0; k <= total; k++) {
    if (k >= right) sum += ways;
    ways = ways * (total - k) / (k + 1);
  }
  return sum / 2 ** total;
}

/**
 * The test. It shows rallies as a `Session` shows games, so the same `Loop` draws both. A network takes a hundred times
 * as long for a rally as the rules do. So that nobody feels which it was, both make every rally, whichever is shown, a
 * little with every picture; the other one is thrown away.
 */
export class BlindTest {
  /**
   * onChange(test): called after each guess, and when a rally that was waited for begins. onStop(): called when the
   * player goes back to the game. clock(): milliseconds.
   */
  constructor({
    exact, learned, seed = 0, rallies = 10, onChange = () => {}, onStop = () => {}, clock = () => performance.now(),
  }) {
    this.engines = [exact, learned];
    this.config = exact.game.config;
    this.seed = seed;
    this.rallies = rallies;
    this.onChange = onChange;
    this.onStop = onStop;
    this.clock = clock;
    this.truths = BlindTest.draw(seed, rallies);
    this.guesses = [];
    this.passed = [{short: 0, lost: 0}, {short: 0, lost: 0}];            // over, by the rules and by the network
    this.trouble = "";
    this.humans = [];
    this.ghostState = null;
    this.flash = [0, 0];
    this.still = exact.state.slice();                                    // to be seen while there is no rally
    for (let k = 0; k < ballsIn(this.still); k++) this.still[slotOf(k) + PRESENT] = 0;
    [this.states, this.at] = [null, 0];
    this.made = [];                                                      // for each question {states, passed}
    this.making = this.makeAll();
    this.fault = "";
    this.begin();
  }

  /** Which rallies are dreams: random, but at least two of each kind. */
  static draw(seed, rallies) {
    for (let round = 0; ; round++) {
      const truths = Array.from({length: rallies}, (_, k) => (randomBits(seed, rallies * round + k) & 1) === 1);
      const dreams = truths.filter(Boolean).length;
      if (rallies < 4 || (dreams >= 2 && dreams <= rallies - 2)) return truths;
    }
  }

  // What a `Session` has, for keys, fingers and the loop
  get paused() { return this.isOver; }
  get hint() { return ""; }
  get status() { return this.isDone ? "" : `rally ${this.number + 1} of ${this.rallies}`; }
  resume() { if (!this.isDone) this.again(); }
  pause() {}
  release() {}
  point() {}

  /** R: real. D: dream. Space: show it again. Escape: stop. */
  key(name, isDown = true) {
    const acts = {r: () => this.guess(false), d: () => this.guess(true), space: () => this.resume(),
      escape: () => this.stop()};
    if (isDown && name in acts) acts[name]();
    return name in acts;
  }

  get isDone() { return this.guesses.length >= this.rallies; }
  /** Is the rally that is to be judged still being made? */
  get isAwaited() { return this.states === null; }
  get number() { return Math.min(this.guesses.length, this.rallies - 1); }
  get isOver() { return !this.isAwaited && this.at >= this.states.length - 1; }
  get message() {
    if (this.isDone) return this.verdict().score;
    return this.isAwaited ? "the next rally is being made" : this.isOver ? "real or dream?" : "";
  }
  get right() { return this.guesses.filter((guess, k) => guess === this.truths[k]).length; }
  get dt() { return 1 / this.config.tick_rate; }

  /** Make all rallies, one after the other: by the rules, by the network, then the next. It pauses after each tick. */
  * makeAll() {
    for (let k = 0; k < this.truths.length; k++) {
      const both = [];
      for (const engine of this.engines) both.push(yield* goodRally(engine, this.seed + 1000 * (k + 1)));
      this.made.push(both[Number(this.truths[k])]);
    }
  }

  /** Go on making rallies for so many milliseconds, at least one tick; and begin the one that was waited for. */
  make(milliseconds) {
    const end = this.clock() + milliseconds;
    const isUseful = () => this.making && !(this.isAwaited && this.made.length > this.guesses.length);
    while (isUseful()) {
      try { if (this.making.next().done) this.making = null; } catch (error) {
        [this.making, this.fault] = [null, error.message];
      }
      if (this.clock() >= end) break;
    }
    if (this.isAwaited && this.begin()) this.onChange(this);
  }

  /** Nothing to judge yet: the last picture stays. */
  wait() {
    if (this.states) this.still = this.states.at(-1);
    this.states = null;
  }

  /** Begin to show the rally that is to be judged, if it is made. Returns whether anything is to be told. */
  begin() {
    const rally = this.made[this.guesses.length];
    if (this.isDone) return false;
    if (!(rally || this.fault)) { this.wait(); return false; }
    if (!rally) { this.end(this.fault); return true; }
    const counts = this.passed[Number(this.truths[this.number])];
    for (const why of Object.keys(counts)) counts[why] += rally.passed[why];
    this.states = rally.states;
    this.again();
    return true;
  }

  /** The test cannot go on: it ends here, and what was answered counts. */
  end(why) {
    this.trouble = why;
    this.rallies = this.guesses.length;
  }

  /** The player has had enough: what was answered is judged, and who stops once more goes back to the game. */
  stop() {
    if (this.isDone || !this.guesses.length) { this.onStop(); return; }
    this.end("you stopped it, and fewer rallies say less");
    this.onChange(this);
  }

  /** Show the rally again. */
  again() { this.at = 0; }

  /** Time passes; `at` counts ticks and their parts. Meanwhile the rallies to come are made. */
  advance(seconds) {
    if (!this.isDone) this.make(this.isAwaited ? SLICE.awaited : SLICE.shown);
    if (this.isAwaited) return 0;
    this.at = Math.min(this.at + Math.min(seconds, 0.1) / this.dt, this.states.length - 1);
    return 0;
  }

  /** The state to show now: of the rally, or what there was before it. */
  shown() {
    if (this.isAwaited) return this.still;
    const tick = Math.min(Math.floor(this.at), this.states.length - 2);
    return interpolate(this.states[tick], this.states[tick + 1], this.at - tick);
  }

  /** The answer to the rally that is shown: was it a dream? Then the next one begins. */
  guess(isDream) {
    if (this.isDone || this.isAwaited) return;
    this.guesses.push(isDream);
    this.begin();
    this.onChange(this);
  }

  /** How the test ended, and what that means, in plain words. */
  verdict() {
    const {right, rallies} = this;
    const [chance, mirrored] = [chanceOf(right, rallies), chanceOf(rallies - right, rallies)];
    const dreams = this.truths.slice(0, rallies).filter(Boolean).length;
    const percent = (share) => `${share < 0.1 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;
    const meaning = chance <= RARE ? "That is rare enough to say: you probably see a difference."
      : mirrored <= RARE ? `So few only in ${percent(mirrored)}: you may see a difference, and take one for the other.`
        : `That is no sign that you see a difference, and no proof that there is none: ${rallies} rallies are few.`;
    const end = this.trouble && `The test ended early: ${this.trouble}. `;
    return {score: `${right} of ${rallies} right`, dreams, chance,
      text: `${end}Somebody who tosses a coin for each answer gets ${right} or more right in ${percent(chance)} of `
        + `such tests. ${meaning} ${this.told(dreams)}`};
  }

  /** What was shown, and what was not, since it may matter: in a sentence or two. */
  told(dreams) {
    const [real, dreamt] = this.passed, seconds = Math.round(MOST_TICKS * this.dt);
    const {eventTemperature, serveTemperature} = this.engines[1];
    const lost = dreamt.lost ? `, and ${dreamt.lost} in which the network lost its game` : "";
    return `${dreams} of the rallies were dreamt by the network (event temperature ${eventTemperature}, serve `
      + `temperature ${serveTemperature}), ${this.rallies - dreams} played by the rules; for `
      + "each question both made one, so that no wait tells which. "
      + `Not shown were ${real.short} by the rules and ${dreamt.short} dreamt with fewer than ${FEWEST_HITS} hits`
      + `${lost}; after ${seconds} seconds a rally was cut.`;
  }
}
