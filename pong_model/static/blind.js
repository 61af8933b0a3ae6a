/** "Real or dream?": ten rallies, each by the exact rules or by the learned engine, and what the guesses mean. */
import {HIT_LEFT, HIT_RIGHT, LEFT_SCORED, RIGHT_SCORED, eventsOf, randomBits} from "./rules.js";
import {makePlayer} from "./players.js";
import {ballsIn, interpolate} from "./session.js";

/** A rally worth looking at has so many hits, and no more than so many ticks are shown of it. */
const FEWEST_HITS = 2;
const MOST_TICKS = 600;
const MOST_TRIES = 12;
/** A score that chance alone gives this seldom is taken for a sign. */
const RARE = 0.05;

/** The horizontal events of all balls of a state. */
function horizontalEvents(state) { return Array.from({length: ballsIn(state)}, (_, k) => eventsOf(state, k)[0]); }

/** One rally of two trackers on `engine`, from the serve to the score: its states. */
export function playRally(engine, seed) {
  const players = [0, 1].map((side) => makePlayer("level2", engine.game, side, seed));
  const states = [engine.reset(seed)];
  let isOver = false;
  while (!isOver && states.length <= MOST_TICKS) {
    const now = states.at(-1);
    states.push(engine.step(players[0].act(now), players[1].act(now)));
    isOver = horizontalEvents(states.at(-1)).some((event) => event === LEFT_SCORED || event === RIGHT_SCORED);
  }
  return states;
}

/**
 * {states, passed}: the first rally from `seed` on that has enough hits, and how many were passed over for it, being
 * `short` or `lost` (the learned game got lost in them). After many tries a short one is shown.
 */
export function goodRally(engine, seed) {
  const passed = {short: 0, lost: 0};
  let spare = null;
  for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
    let states;
    try { states = playRally(engine, seed + attempt); } catch { passed.lost += 1; continue; }
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

/** The test. It shows rallies as a `Session` shows games, so the same `Loop` draws both. */
export class BlindTest {
  /** onChange(test): called after each guess. onStop(): called when the player ends it. */
  constructor({exact, learned, seed = 0, rallies = 10, onChange = () => {}, onStop = () => {}}) {
    this.engines = [exact, learned];
    this.config = exact.game.config;
    this.seed = seed;
    this.rallies = rallies;
    this.onChange = onChange;
    this.onStop = onStop;
    this.truths = BlindTest.draw(seed, rallies);
    this.guesses = [];
    this.passed = [{short: 0, lost: 0}, {short: 0, lost: 0}];            // over, by the rules and by the network
    this.trouble = "";
    this.humans = [];
    this.ghostState = null;
    this.flash = [0, 0];
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

  /** R: real. D: dream. Space: show it again. Escape: end the test. */
  key(name, isDown = true) {
    const acts = {r: () => this.guess(false), d: () => this.guess(true), space: () => this.resume(),
      escape: () => this.onStop()};
    if (isDown && name in acts) acts[name]();
    return name in acts;
  }

  get isDone() { return this.guesses.length >= this.rallies; }
  get number() { return Math.min(this.guesses.length, this.rallies - 1); }
  get isOver() { return this.at >= this.states.length - 1; }
  get message() { return this.isDone ? this.verdict().score : this.isOver ? "real or dream?" : ""; }
  get right() { return this.guesses.filter((guess, k) => guess === this.truths[k]).length; }
  get dt() { return 1 / this.config.tick_rate; }

  /** Play the rally that is to be judged, up to its score, and begin to show it. */
  begin() {
    if (this.isDone) return;
    const kind = Number(this.truths[this.number]);
    const {states, passed} = goodRally(this.engines[kind], this.seed + 1000 * (this.number + 1));
    for (const why of Object.keys(passed)) this.passed[kind][why] += passed[why];
    this.states = states;
    this.again();
  }

  /** The test cannot go on: it ends here, and what was answered counts. */
  end(why) {
    this.trouble = why;
    this.rallies = this.guesses.length;
  }

  /** Show the rally again. */
  again() { this.at = 0; }

  /** Time passes; `at` counts ticks and their parts. */
  advance(seconds) {
    this.at = Math.min(this.at + Math.min(seconds, 0.1) / this.dt, this.states.length - 1);
    return 0;
  }

  /** The state to show now. */
  shown() {
    const tick = Math.min(Math.floor(this.at), this.states.length - 2);
    return interpolate(this.states[tick], this.states[tick + 1], this.at - tick);
  }

  /** The answer to the rally that is shown: was it a dream? Then the next one begins. */
  guess(isDream) {
    if (this.isDone) return;
    this.guesses.push(isDream);
    try { this.begin(); } catch (error) { this.end(error.message); }
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
    const lost = dreamt.lost ? `, and ${dreamt.lost} in which the network lost its game` : "";
    return `${dreams} of the rallies were dreamt by the network, ${this.rallies - dreams} played by the rules. `
      + `Not shown were ${real.short} by the rules and ${dreamt.short} dreamt with fewer than ${FEWEST_HITS} hits`
      + `${lost}; after ${seconds} seconds a rally was cut.`;
  }
}
