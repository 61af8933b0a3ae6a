/**
 * What the tests ask of this JavaScript, in Node and in a browser alike: play the same games as Python and say what came
 * out. Seeds arrive as decimal text, arrays of float32 as base64.
 */

import {GAME_SIZE, BALL_SIZE, HORIZONTAL_FLAGS, LEFT_SCORED, MATCH_OVER, RIGHT_SCORED, SERVED, VX, VY, ExactEngine,
  eventsOf} from "./rules.js";
import {FuzzyEngine, readModel} from "./model.js";
import {makePlayer} from "./players.js";

/** Float32 numbers from base64. */
export function floatsOf(text) { return new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer); }

/** FNV-1a over the bits of float32 numbers, word by word, going on from `hash`. */
export function digest(floats, hash = 0x811c9dc5) {
  for (const word of new Uint32Array(floats.buffer, floats.byteOffset, floats.length)) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

/** Both players of a game: `players` are two names, or null for the recorded actions of game `g`. */
function playersOf({players, actions, ticks}, game, g, seed) {
  if (players) return players.map((name, side) => makePlayer(name, game, side, seed));
  return [0, 1].map((side) => { let t = 0; return {act: () => actions[(g * ticks + t++) * 2 + side]}; });
}

/** Play one game for `ticks` ticks or until `see(state, t)` is true; returns the tick. */
function play(engine, players, ticks, see) {
  let state = engine.state;
  if (see(state, 0)) return 0;
  for (let t = 1; t <= ticks; t++) {
    const [left, right] = players.map((player) => player.act(state));
    state = engine.step(left, right);
    if (see(state, t)) return t;
  }
  return ticks;
}

/** The digest of all states of every game in the exact engine. */
export function exactDigests(data) {
  const recorded = {...data, actions: data.actions && floatsOf(data.actions)};
  return data.seeds.map((text, g) => {
    const seed = BigInt(text), engine = new ExactEngine(data.game, seed);
    let sum;
    play(engine, playersOf(recorded, data.game, g, seed), data.ticks, (state) => { sum = digest(state, sum); return false; });
    return sum;
  });
}

/** How far a learned tick is from Python's: told the true `states` (n, T+1, F), it predicts each next one, `expected` (n, T, F). */
export function forcedErrors({model, n, ticks, states, actions, expected}) {
  const engine = new FuzzyEngine(readModel(model)), F = engine.state.length;
  [states, actions, expected] = [states, actions, expected].map(floatsOf);
  let worst = 0, differ = 0;
  for (let g = 0; g < n; g++) {
    engine.load(states.subarray(g * (ticks + 1) * F, (g * (ticks + 1) + 1) * F));
    for (let t = 0; t < ticks; t++) {
      const at = (g * (ticks + 1) + t) * F, [left, right] = actions.subarray((g * ticks + t) * 2), wanted = (g * ticks + t) * F;
      const got = engine.predict(states.subarray(at, at + F), left, right, states[at + F + 7]);
      const error = farthest(got, expected.subarray(wanted, wanted + F), engine.nBalls);
      if (error.differs) differ += 1; else worst = Math.max(worst, error.most);
    }
  }
  return {worst, differ};
}

/** The largest difference of two states; velocities of a serve are chance and not compared. Do events differ? */
function farthest(got, wanted, nBalls) {
  const chance = new Set();
  let differs = got[MATCH_OVER] !== wanted[MATCH_OVER], most = 0;
  for (let k = 0; k < nBalls; k++) {
    const at = GAME_SIZE + k * BALL_SIZE;
    differs ||= String(eventsOf(got, k)) !== String(eventsOf(wanted, k));
    if (eventsOf(wanted, k)[0] === SERVED) chance.add(at + VX).add(at + VY);
  }
  got.forEach((x, i) => { if (!chance.has(i)) most = Math.max(most, Math.abs(x - wanted[i])); });
  return {differs, most};
}

/** How every rally ends in the learned game: [tick, horizontal class], [ticks, 0] if it does not. With `matches`: how each match ends. */
export function outcomes({model, seeds, ticks, players, matches = false}) {
  const read = readModel(model);
  const engine = new FuzzyEngine(read);
  return seeds.map((text) => {
    const seed = BigInt(text);
    engine.reset(seed);
    let end = [];
    const scored = (state) => [LEFT_SCORED, RIGHT_SCORED].find((h) => {
      for (let at = GAME_SIZE; at < state.length; at += BALL_SIZE) if (state[at + HORIZONTAL_FLAGS - 1 + h] > 0.5) return true;
      return false;
    }) ?? 0;
    const over = (state) => { end = matches ? [...state.subarray(4, 6)] : [scored(state)]; return matches ? state[MATCH_OVER] > 0.5 : end[0] > 0; };
    const t = play(engine, playersOf({players}, engine.game, 0, seed), ticks, over);
    return [t, ...end];
  });
}

/** Microseconds of a tick: the median of `repeats` runs of `ticks` ticks. */
export function tickTime({model, game, ticks = 2000, repeats = 7, players = ["tracker", "tracker"]}) {
  const engine = model ? new FuzzyEngine(readModel(model)) : new ExactEngine(game);
  const times = Array.from({length: repeats + 1}, (_, seed) => {
    engine.reset(seed);
    const both = playersOf({players}, engine.game, 0, seed), begin = performance.now();
    play(engine, both, ticks, () => false);
    return (performance.now() - begin) * 1000 / ticks;
  });
  return times.slice(1).sort((a, b) => a - b)[repeats >> 1];
}
