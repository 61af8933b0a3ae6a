/**
 * Who moves the paddles when nobody does: the built-in players of `pong_model.players`, with the same numbers.
 */

import {BALL_SIZE, COURT_SCALE, GAME_SIZE, HIT_LEFT, HIT_RIGHT, HORIZONTAL_FLAGS, LEFT_Y, SERVED, VX, X, Y, VY, asUnit,
  demand, halvesOf, randomBits} from "./rules.js";

const f = Math.fround;
const N_PARAMETERS = 4, RING = 14;             // parameters of a habit; how many heights a tracker remembers

/** A random number from `low` to `high`. */
function between(low, high, seed, counter) { return f(low + f(f(high - low) * asUnit(randomBits(seed, counter)))); }

/** a modulo b with the sign of b, as in Python. */
function modulo(a, b) { return a - b * Math.floor(a / b); }

/** Where the slot begins of the ball that reaches `side` first; if none comes, the nearest. */
function ballToMind(row, side, rules) {
  let chosen = GAME_SIZE, soonest = Infinity;
  const face = f(f(row[COURT_SCALE] - rules.paddle_width) - rules.radius);
  for (let at = GAME_SIZE; at < row.length; at += BALL_SIZE) {
    const [distance, speed] = side ? [f(face - row[at + X]), row[at + VX]] : [f(face + row[at + X]), -row[at + VX]];
    const time = speed > 0 && distance > 0 ? f(distance / speed) : f(1e6 + Math.abs(distance));
    if (time < soonest) [chosen, soonest] = [at, time];
  }
  return chosen;
}

/** Is a ball hit or served in this row? */
function metOrServed(row) {
  for (let flags = GAME_SIZE + HORIZONTAL_FLAGS - 1; flags < row.length; flags += BALL_SIZE) {
    if (Math.max(row[flags + HIT_LEFT], row[flags + HIT_RIGHT], row[flags + SERVED]) > 0.5) return true;
  }
  return false;
}

/** The action that brings the paddle's centre to `target`, as fast as `skill` allows; 0 if that is nowhere (NaN). */
function goTo(target, row, side, skill, rules) {
  const away = f(target - row[LEFT_Y + 2 * side]);
  if (rules.paddle_step <= 0 || Number.isNaN(away)) return 0;
  return Math.min(Math.max(f(away / rules.paddle_step), -skill), skill);
}

/** A new aim at every hit and serve, a share of the paddle's reach. */
function aimOf(player, row, widest) {
  const {rules, seed} = player;
  const reach = f(rules.paddle_half + rules.radius);
  if (metOrServed(row)) player.aim = f(between(-widest, widest, seed, player.counter++) * reach);
  return player.aim;
}

// Habits: how a player acts, and the range from which each game draws each parameter. `act(player, row)` -> action

/** Parameters: shortest and longest time between new velocities, ticks. */
function actRandom(player) {
  const [shortest, longest] = player.parameters, {seed} = player;
  if (player.left <= 0) {
    player.velocity = between(-1, 1, seed, player.counter);
    player.left = between(shortest, longest, seed, player.counter + 1);
    player.counter += 2;
  }
  player.left = f(player.left - 1);
  return player.velocity;
}

/** Parameters: swings a tick, amplitude, phase (a share of a swing). */
function actSine(player) {
  const [swings, amplitude, phase] = player.parameters;
  player.ticks += 1;
  return f(amplitude * f(Math.sin(f(f(2 * f(Math.PI)) * f(f(swings * player.ticks) + phase)))));
}

/** Parameters: skill, delay in ticks, widest aim either way. */
function actTracker(player, row) {
  const [skill, delay, widest] = player.parameters, {side, rules} = player;
  const y = row[ballToMind(row, side, rules) + Y];
  if (!player.heights) player.heights = new Float32Array(RING).fill(y);
  const aim = aimOf(player, row, widest), now = player.ticks++ % RING;
  player.heights[now] = y;
  return goTo(f(player.heights[modulo(now - Math.trunc(delay), RING)] - aim), row, side, skill, rules);
}

/** Parameters: skill, how far ahead it looks in seconds, widest aim either way. */
function actInterceptor(player, row) {
  const [skill, horizon, widest] = player.parameters, {side, rules} = player;
  const at = ballToMind(row, side, rules), scale = row[COURT_SCALE], aim = aimOf(player, row, widest);
  const face = f(f(scale - rules.paddle_width) - rules.radius), wall = f(f(0.5 * scale) - rules.radius);
  const speed = side ? row[at + VX] : -row[at + VX];
  const distance = side ? f(face - row[at + X]) : f(face + row[at + X]);
  if (speed <= 0 || distance < 0 || distance > f(speed * horizon)) return goTo(0, row, side, f(0.5 * skill), rules);
  const way = f(f(row[at + Y] + f(f(row[at + VY] * distance) / speed)) + wall), period = f(4 * wall);
  const rest = way % period, folded = rest < 0 ? f(rest + period) : rest;
  return goTo(f(f(Math.min(folded, f(period - folded)) - wall) - aim), row, side, skill, rules);
}

/** A tracker whose skill, delay and aim are drawn from these ranges. */
function trackerHabit(skill, aim, delay) {
  const longest = delay[1] + (delay[1] > delay[0] ? 0.999 : 0);          // each whole number of ticks is equally likely
  return {act: actTracker, low: [skill[0], delay[0], aim[0]], high: [skill[1], longest, aim[1]]};
}

const level = (skill, delay, aim) => trackerHabit([skill, skill], [0, aim], [delay, delay]);
const HABITS = {
  random: {act: actRandom, low: [5, 60], high: [5, 60]},
  sine: {act: actSine, low: [1 / 400, 0.3, 0], high: [1 / 60, 1, 1]},
  tracker: trackerHabit([0.3, 1], [1, 1], [0, 6]),
  interceptor: {act: actInterceptor, low: [0.3, 0.3, 1], high: [1, 2, 1]},
  level1: level(0.35, 12, 1.15), level2: level(0.55, 8, 1.05), level3: level(0.8, 4, 1), level4: level(1, 1, 0.8),
};
export const PLAYERS = Object.keys(HABITS);

/** A built-in player of one game; see `makePlayer`. */
class BuiltInPlayer {
  constructor(habit, game, side) { [this.habit, this.rules, this.side] = [habit, game.rules, side]; }

  /** Begin anew: draw the parameters. */
  reset(seed) {
    const {low, high} = halvesOf(seed);
    this.seed = {low: (low ^ (0x5EA7 + this.side)) >>> 0, high};              // another stream than the engine's
    this.parameters = this.habit.low.map((least, p) => between(f(least), f(this.habit.high[p]), this.seed, 1 + p));
    this.counter = 1 + N_PARAMETERS;
    [this.ticks, this.left, this.velocity, this.aim, this.heights] = [0, 0, 0, 0, null];
  }

  /** The action, -1 to 1, in this state. */
  act(state) { return this.habit.act(this, state); }
}

/** A built-in player by its name (see `PLAYERS`) on `side` (0 left, 1 right); the same seed gives the same player. */
export function makePlayer(name, game, side, seed = 0) {
  demand(PLAYERS.includes(name), "player", name, PLAYERS.join(", "));
  const player = new BuiltInPlayer(HABITS[name], game, side);
  player.reset(seed);
  return player;
}
