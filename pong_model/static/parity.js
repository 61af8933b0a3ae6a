/**
 * What the tests ask of this JavaScript, in Node and in a browser alike: play the same games as Python, and say what
 * came out. Seeds come as decimal text, arrays of float32 as base64.
 */

import {BALL_SIZE, COURT_SCALE, GAME_SIZE, HORIZONTAL_FLAGS, LEFT_POINTS, LEFT_SCORED, MATCH_OVER, RIGHT_POINTS,
  RIGHT_SCORED, SERVED, VX, VY, ExactEngine, eventsOf} from "./rules.js";
import {FuzzyEngine, readModel} from "./model.js";
import {findPlayer, readAgent} from "./agents.js";

/** Float32 numbers from base64. */
function floatsOf(text) { return new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer); }

/** Row `i` of rows of `width` numbers. */
function rowOf(numbers, i, width) { return numbers.subarray(i * width, (i + 1) * width); }

/** FNV-1a over the bits of float32 numbers, word by word, going on from `hash`. */
function digest(floats, hash = 0x811c9dc5) {
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  return words.reduce((sum, word) => Math.imul(sum ^ word, 0x01000193) >>> 0, hash);
}

/** Two players by name, built-in or of these `agents` (name: what `readAgent` reads). */
function named(players, game, seed, agents = {}) {
  const read = Object.fromEntries(Object.entries(agents).map(([name, json]) => [name, readAgent(json)]));
  return players.map((name, side) => findPlayer(name, game, side, seed, read));
}

/** Two players that repeat recorded actions (T, 2). */
function repeating(actions) {
  return [0, 1].map((side) => { let t = 0; return {act: () => actions[2 * t++ + side]}; });
}

/** Play from the state of `engine` on, for `ticks` ticks or until `seen(state, t)` is true; returns the last tick. */
function play(engine, players, ticks, seen) {
  for (let t = 0; ; t++) {
    if (seen(engine.state, t) || t === ticks) return t;
    engine.step(...players.map((player) => player.act(engine.state)));
  }
}

/** The digest of all states of every game in the exact engine, with `players` by name or with recorded `actions`. */
export function exactDigests({game, seeds, ticks, players, actions}) {
  const recorded = actions && floatsOf(actions);
  return seeds.map(BigInt).map((seed, g) => {
    const both = recorded ? repeating(rowOf(recorded, g, 2 * ticks)) : named(players, game, seed);
    let sum;
    play(new ExactEngine(game, seed), both, ticks, (state) => { sum = digest(state, sum); });
    return sum;
  });
}

/** What a player, `name` or `agent`, does in these `states` (T, F). */
export function actionsOf({name, agent, game, side, seed, states, ticks}) {
  const rows = floatsOf(states), F = rows.length / ticks, agents = agent && {[name]: readAgent(agent)};
  const player = findPlayer(name, game, side, BigInt(seed), agents);
  return Array.from({length: ticks}, (_, t) => player.act(rowOf(rows, t, F)));
}

/** A learned tick against Python's: at each of the true `states` (n, T+1, F), the next is `expected` (n, T, F). */
export function forcedErrors({model, n, ticks, states, actions, expected}) {
  const engine = new FuzzyEngine(readModel(model)), F = engine.state.length;
  const [rows, moves, wanted] = [states, actions, expected].map(floatsOf);
  let worst = 0, differ = 0;
  for (let g = 0; g < n; g++) {
    engine.load(rowOf(rows, g * (ticks + 1), F));
    for (let t = 0; t < ticks; t++) {
      engine.state = rowOf(rows, g * (ticks + 1) + t, F);
      engine.drive(rowOf(rows, g * (ticks + 1) + t + 1, F)[COURT_SCALE]);
      const {differs, most} = compare(engine.step(...rowOf(moves, g * ticks + t, 2)), rowOf(wanted, g * ticks + t, F));
      if (differs) differ += 1; else worst = Math.max(worst, most);
    }
  }
  return {worst, differ, memory: engine.memory().map(plain)};
}

/** A ball's memory as JSON. */
function plain({layers, lane}) {
  return {layers: layers.map((vectors) => vectors.map((v) => [...v])), lane: [...lane]};
}

/** Do the events of two states differ, and by how much the numbers? Velocities of a serve are chance. */
function compare(got, wanted) {
  const chance = new Set();
  let differs = got[MATCH_OVER] !== wanted[MATCH_OVER], most = 0;
  for (let k = 0; GAME_SIZE + k * BALL_SIZE < got.length; k++) {
    const at = GAME_SIZE + k * BALL_SIZE;
    differs ||= String(eventsOf(got, k)) !== String(eventsOf(wanted, k));
    if (eventsOf(wanted, k)[0] === SERVED) chance.add(at + VX).add(at + VY);
  }
  got.forEach((x, i) => { if (!chance.has(i)) most = Math.max(most, Math.abs(x - wanted[i])); });
  return {differs, most};
}

/** Has a ball of this state scored for this side's horizontal class? */
function hasScored(state, h) {
  for (let flags = GAME_SIZE + HORIZONTAL_FLAGS - 1; flags < state.length; flags += BALL_SIZE) {
    if (state[flags + h] > 0.5) return true;
  }
  return false;
}

/** The first states of learned games. */
export function serves({model, seeds, options}) {
  const engine = new FuzzyEngine(readModel(model), 0, options);
  return seeds.map((seed) => [...engine.reset(BigInt(seed))]);
}

/**
 * How each game ends, learned or (with `game`) exact: [tick, horizontal class of the first score (0: none)]; with
 * `matches` [tick, points].
 */
export function ends({model, game, seeds, ticks, players, agents, matches, options}) {
  const engine = game ? new ExactEngine(game) : new FuzzyEngine(readModel(model), 0, options);
  return seeds.map(BigInt).map((seed) => {
    engine.reset(seed);
    const both = named(players, engine.game, seed, agents);
    const side = () => [LEFT_SCORED, RIGHT_SCORED].find((h) => hasScored(engine.state, h)) ?? 0;
    const t = play(engine, both, ticks, (state) => matches ? state[MATCH_OVER] > 0.5 : side() > 0);
    return matches ? [t, engine.state[LEFT_POINTS], engine.state[RIGHT_POINTS]] : [t, side()];
  });
}

/** A learned rally, and the exact game from its first state on that meets the same actions: states (T, F) each. */
export function ghostPath({model, seed, ticks, players}) {
  const engine = new FuzzyEngine(readModel(model), seed), ghost = new ExactEngine(engine.game);
  const learned = [], exact = [], actions = [0, 0], both = named(players, engine.game, seed);
  const noted = both.map((player, side) => ({act: (state) => actions[side] = player.act(state)}));
  ghost.load(engine.state);
  play(engine, noted, ticks, (state, t) => {
    exact.push([...(t ? ghost.step(...actions) : ghost.state)]);
    learned.push([...state]);
    return hasScored(state, LEFT_SCORED) || hasScored(state, RIGHT_SCORED);
  });
  return {learned, exact};
}

/** Do `snapshot`, `restore`, `reset` and `load` keep their promises? In words what does not; nothing if all is well. */
export function brokenPromises({model, game, ticks = 150}) {
  const make = () => model ? new FuzzyEngine(readModel(model), 7) : new ExactEngine(game, 7), engine = make();
  const actions = Array.from({length: 2 * ticks}, (_, t) => [Math.sin(t / 9), Math.cos(t / 7)]), broken = [];
  const run = (from, to) => String(actions.slice(from, to).map(([left, right]) => digest(engine.step(left, right))));
  const first = digest(engine.state), early = run(0, ticks), kept = engine.snapshot(), late = run(ticks, 2 * ticks);
  engine.restore(kept);
  if (run(ticks, 2 * ticks) !== late) broken.push("restore does not go on as before");
  if (digest(engine.reset(7)) !== first || run(0, ticks) !== early) broken.push("a seed does not give the same game");
  const before = engine.state, copy = String(before);
  if (engine.step(1, -1) === before || String(before) !== copy) broken.push("a state is not an array of its own");
  return broken.concat(brokenLoad(make(), make(), actions));
}

/** Does an engine that loads another's history go on as the other does? */
function brokenLoad(one, other, actions) {
  const history = [one.state, ...actions.slice(0, 12).map(([left, right]) => one.step(left, right))];
  for (const [left, right] of actions) other.step(right, left);
  other.load(history, actions.slice(0, 12));
  for (const engine of [one, other]) engine.drive?.(1);                        // how a court walks is chance
  const differs = String(one.step(1, -1)) !== String(other.step(1, -1));
  return differs ? ["a history that was loaded does not go on as the game it comes from"] : [];
}

/** Microseconds of a tick and of its players: the fastest of many short runs, since other work only adds. */
export function tickTime({model, game, ticks = 200, runs = 60, players = ["tracker", "tracker"]}) {
  const engine = model ? new FuzzyEngine(readModel(model)) : new ExactEngine(game);
  const both = named(players, engine.game, 0);
  const times = Array.from({length: runs}, () => {
    const begin = performance.now();
    play(engine, both, ticks, () => false);
    return (performance.now() - begin) * 1000 / ticks;
  });
  return Math.min(...times);
}
