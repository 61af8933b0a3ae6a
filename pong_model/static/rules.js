/**
 * The exact rules of Pong, the twin of `pong_model.exact` bit by bit: every operation is rounded to float32 (`f`).
 *
 * A state is a Float32Array (F = 8 + 12 K): the game's 8 numbers, then 12 for each of K balls. Lengths are court
 * heights, speeds court heights per second. An action is a share of a paddle's top speed, -1 (up) to 1.
 */

export const [LEFT_Y, LEFT_VY, RIGHT_Y, RIGHT_VY] = [0, 1, 2, 3];
export const [LEFT_POINTS, RIGHT_POINTS, MATCH_OVER, COURT_SCALE] = [4, 5, 6, 7];
export const GAME_SIZE = 8;
export const BALL_SIZE = 12;
export const [PRESENT, X, Y, VX, VY] = [0, 1, 2, 3, 4];       // within a ball's slot; then its event flags:
export const HORIZONTAL_FLAGS = 5;
export const VERTICAL_FLAGS = 10;
export const [NOTHING, HIT_LEFT, HIT_RIGHT, LEFT_SCORED, RIGHT_SCORED, SERVED] = [0, 1, 2, 3, 4, 5];
export const [TOP, BOTTOM] = [1, 2];
export const MAX_SPEED = 1000;
export const SCALE_LIMITS = [0.25, 3];

const f = Math.fround;
const STEEPEST = f(1.2);                                      // arcade: the slope at the paddle's rim
const SCALE_MIN = 0.5, SCALE_MAX = 1.5;                       // where the walk of the court's scale turns

/** Throw in one line that says what is wrong, what it got and what it takes. */
export function demand(ok, what, got, accepts) {
  if (!ok) throw new RangeError(`${what}: got ${got}, accepts ${accepts}`);
}

/** The class that a ball's flags from `first` to before `end` tell: 0 if none is set. */
function happened(state, first, end) {
  for (let i = first; i < end; i++) if (state[i] > 0.5) return i - first + 1;
  return NOTHING;
}

/** The horizontal and the vertical class of ball `k`'s events in this state. */
export function eventsOf(state, k) {
  const at = GAME_SIZE + k * BALL_SIZE, vertical = at + VERTICAL_FLAGS;
  return [happened(state, at + HORIZONTAL_FLAGS, vertical), happened(state, vertical, at + BALL_SIZE)];
}

// -------------------------------------------------------------------------------- chance

const GOLDEN = 0x9e3779b9;
const WORD = 2 ** 32;

/** Scramble 32 bits so that every input bit reaches every output bit. */
function mix(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A seed, a BigInt or a whole number from 0 to 2^64 - 1, as its two halves. */
export function halvesOf(seed) {
  if (typeof seed === "object" && seed !== null) return seed;
  const whole = typeof seed === "bigint" ? seed >= 0n && seed < 1n << 64n : Number.isSafeInteger(seed) && seed >= 0;
  demand(whole, "seed", seed, "a whole number from 0 to 2^64 - 1 (beyond 2^53 a BigInt)");
  return typeof seed === "bigint" ? {low: Number(seed & 0xffffffffn), high: Number(seed >> 32n)}
    : {low: seed % WORD, high: Math.floor(seed / WORD)};
}

/** The `counter`-th 32 random bits of the game with this `seed` (or its halves). */
export function randomBits(seed, counter) {
  const {low, high} = halvesOf(seed);
  const h = mix((mix((counter + GOLDEN) >>> 0) + low) >>> 0);
  return mix((((h ^ high) >>> 0) + GOLDEN) >>> 0);
}

/** Random bits as a number in [0, 1): 24 bits, so every value is exact. */
export function asUnit(bits) { return (bits >>> 8) * 2 ** -24; }

// -------------------------------------------------------------------------------- one tick

/** The numbers of a tick, as Python made them: `null` stands for infinity. */
function rulesOf(game) {
  const entries = Object.entries(game.rules).map(([name, value]) => [name, value === null ? Infinity : value]);
  return Object.fromEntries(entries);
}

/** Velocity after a paddle met the ball at offset `u` in [-1, 1] of its reach. */
function rebound(vx, vy, u, rules) {
  if (rules.deflection === 0 && rules.speed_up === 1) return [-vx, vy];
  const speed = f(Math.sqrt(f(f(vx * vx) + f(vy * vy))));
  const away = vx < 0 ? 1 : -1;
  const rim = f(Math.sqrt(f(1 + f(f(f(STEEPEST * u) * STEEPEST) * u))));
  const mirrored = f(1 - rules.deflection);
  const dx = f(f(mirrored * f(-vx / speed)) + f(rules.deflection * f(away / rim)));
  const dy = f(f(mirrored * f(vy / speed)) + f(rules.deflection * f(f(STEEPEST * u) / rim)));
  const faster = f(Math.max(speed, Math.min(f(speed * rules.speed_up), rules.speed_max))
    / f(Math.sqrt(f(f(dx * dx) + f(dy * dy)))));
  return [f(dx * faster), f(dy * faster)];
}

/** Time until something at `position` reaches `low` or `high`, whichever it moves towards. */
function until(position, velocity, low, high) {
  if (velocity > 0) return f(f(high - position) / velocity);
  if (velocity < 0) return f(f(low - position) / velocity);
  return Infinity;
}

/** Where walls, paddles and lines stop a ball's centre in a court of this scale. */
function boundsOf(scale, rules) {
  return {wall: f(f(0.5 * scale) - rules.radius), face: f(f(scale - rules.paddle_width) - rules.radius),
    line: f(scale + rules.radius)};
}

/** One ball through one tick: its new x, y, vx, vy and its horizontal and vertical event. */
function fly(x, y, vx, vy, leftY, rightY, scale, rules) {
  const {wall, face, line} = boundsOf(scale, rules), reach = f(rules.paddle_half + rules.radius);
  let time = rules.dt, horizontal = NOTHING, vertical = NOTHING, missed = false;
  for (;;) {
    const toWall = until(y, vy, -wall, wall);
    const ahead = !missed && ((vx > 0 && x <= face) || (vx < 0 && x >= -face));      // a paddle is ahead
    const goal = ahead ? face : line;
    const toGoal = until(x, vx, -goal, goal);
    if (Math.min(toWall, toGoal) >= time) {
      return [f(x + f(vx * time)), f(y + f(vy * time)), vx, vy, horizontal, vertical];
    }
    if (toWall <= toGoal) {
      x = f(x + f(vx * toWall));
      y = vy > 0 ? wall : -wall;
      vertical = vy > 0 ? BOTTOM : TOP;
      vy = -vy;
      time = f(time - toWall);
      continue;
    }
    const rightwards = vx > 0;
    x = rightwards ? goal : -goal;
    y = f(y + f(vy * toGoal));
    time = f(time - toGoal);
    if (!ahead) return [x, y, vx, vy, rightwards ? LEFT_SCORED : RIGHT_SCORED, vertical];
    const offset = f(y - (rightwards ? rightY : leftY));
    if (Math.abs(offset) <= reach) {
      [vx, vy] = rebound(vx, vy, f(offset / reach), rules);
      horizontal = rightwards ? HIT_RIGHT : HIT_LEFT;
    } else missed = true;
  }
}

/** A served ball's velocity; uses three random numbers from `counter` on. */
function serve(rules, seed, counter) {
  const speed = f(rules.serve_min + f(rules.serve_span * asUnit(randomBits(seed, counter))));
  const steepest = Math.min(rules.serve_vertical, f(speed * rules.serve_slope));
  const vy = f(steepest * f(2 * asUnit(randomBits(seed, counter + 1)) - 1));
  return [randomBits(seed, counter + 2) & 1 ? -speed : speed, vy];
}

/** A paddle's new centre and velocity. */
function movePaddle(y, action, scale, rules) {
  const limit = f(f(0.5 * scale) - rules.paddle_half);
  const moved = f(y + f(action * rules.paddle_step));
  if (moved > limit) return [limit, 0];
  if (moved < -limit) return [-limit, 0];
  return [moved, f(action * rules.paddle_speed)];
}

/** The next court scale of the walk, mirrored at its ends; uses one random number. */
function breathe(scale, rules, seed, counter) {
  const moved = f(scale + f(rules.scale_step * f(2 * asUnit(randomBits(seed, counter)) - 1)));
  if (moved > SCALE_MAX) return Math.max(f(2 * SCALE_MAX - moved), SCALE_MIN);
  if (moved < SCALE_MIN) return Math.min(f(2 * SCALE_MIN - moved), SCALE_MAX);
  return moved;
}

/** A ball's place after the court's scale changed from `before` to `scale`. */
function push(x, y, before, scale, rules) {
  const {wall, face, line} = boundsOf(scale, rules);
  const goal = Math.abs(x) <= boundsOf(before, rules).face ? face : line;
  return [Math.min(Math.max(x, -goal), goal), Math.min(Math.max(y, -wall), wall)];
}

/** Fill the slot that begins at `at`. */
function writeBall(row, at, x, y, vx, vy, horizontal, vertical) {
  row.fill(0, at, at + BALL_SIZE);
  [row[at + PRESENT], row[at + X], row[at + Y], row[at + VX], row[at + VY]] = [1, x, y, vx, vy];
  if (horizontal) row[at + HORIZONTAL_FLAGS - 1 + horizontal] = 1;
  if (vertical) row[at + VERTICAL_FLAGS - 1 + vertical] = 1;
}

/** Was there a point in the slot that begins at `at`? */
function scored(row, at) {
  return row[at + HORIZONTAL_FLAGS - 1 + LEFT_SCORED] > 0.5 || row[at + HORIZONTAL_FLAGS - 1 + RIGHT_SCORED] > 0.5;
}

/** The rules: from `row` to `fresh`, both (F,); returns the next `counter`. */
function tick(row, fresh, left, right, rules, seed, counter) {
  const before = row[COURT_SCALE], newMatch = row[MATCH_OVER] > 0.5;
  const scale = rules.scale_step > 0 ? breathe(before, rules, seed, counter++) : before;
  let [leftPoints, rightPoints] = newMatch ? [0, 0] : [row[LEFT_POINTS], row[RIGHT_POINTS]];
  [fresh[LEFT_Y], fresh[LEFT_VY]] = movePaddle(row[LEFT_Y], left, scale, rules);
  [fresh[RIGHT_Y], fresh[RIGHT_VY]] = movePaddle(row[RIGHT_Y], right, scale, rules);
  for (let k = 0; k < rules.n_balls; k++) {
    const at = GAME_SIZE + k * BALL_SIZE;
    if (newMatch || scored(row, at)) {
      writeBall(fresh, at, 0, 0, ...serve(rules, seed, counter), SERVED, NOTHING);
      counter += 3;
      continue;
    }
    let x = row[at + X], y = row[at + Y];
    if (scale !== before) [x, y] = push(x, y, before, scale, rules);
    const flown = fly(x, y, row[at + VX], row[at + VY], fresh[LEFT_Y], fresh[RIGHT_Y], scale, rules);
    writeBall(fresh, at, ...flown);
    if (flown[4] === LEFT_SCORED) leftPoints = f(leftPoints + 1);
    if (flown[4] === RIGHT_SCORED) rightPoints = f(rightPoints + 1);
  }
  [fresh[LEFT_POINTS], fresh[RIGHT_POINTS], fresh[COURT_SCALE]] = [leftPoints, rightPoints, scale];
  fresh[MATCH_OVER] = Math.max(leftPoints, rightPoints) >= rules.points_to_win ? 1 : 0;
  return counter;
}

// -------------------------------------------------------------------------------- the engine

/** Both actions, clipped to [-1, 1]; NaN throws. */
export function checkActions(left, right) {
  const actions = [f(left), f(right)];
  demand(!actions.some(Number.isNaN), "actions", "NaN", "numbers from -1 to 1");
  return actions.map((a) => Math.min(Math.max(a, -1), 1));
}

/** A history (one state, or several and the actions between them) for `load`, checked and copied. */
export function checkHistory(states, actions, nFeatures) {
  const isOne = ArrayBuffer.isView(states) || typeof states[0] === "number";
  const rows = (isOne ? [states] : states).map((state) => Float32Array.from(state));
  const taken = (actions ?? []).map(([left, right]) => checkActions(left, right));
  const odd = rows.length ? rows.find((state) => state.length !== nFeatures) : [];
  demand(!odd, "state", `${odd?.length} numbers`, `${nFeatures} numbers`);
  demand(taken.length === rows.length - 1, "actions", taken.length, `one less than states (${rows.length - 1})`);
  for (const state of rows) checkState(state);
  return [rows, taken];
}

/** Throw if a state is not one that a game can go on from. */
function checkState(state) {
  demand(state.every(Number.isFinite), "state", "NaN or infinity", "finite numbers");
  const [low, high] = SCALE_LIMITS, scale = state[COURT_SCALE];
  demand(scale >= low && scale <= high, "state", `a court scale of ${scale}`, `scales from ${low} to ${high}`);
  for (let at = GAME_SIZE; at < state.length; at += BALL_SIZE) {
    const speed = Math.max(Math.abs(state[at + VX]), Math.abs(state[at + VY]));
    demand(speed <= MAX_SPEED, "state", `a ball's speed of ${speed}`, `at most ${MAX_SPEED}`);
  }
}

/** Pong by its rules. `game` is what `browser.game_json(config)` makes in Python. */
export class ExactEngine {
  constructor(game, seed = 0) {
    this.kind = "exact";
    this.game = game;
    this.rules = rulesOf(game);
    this.nBalls = this.rules.n_balls;
    this.reset(seed);
  }

  /** Begin anew with a serve; returns the first state. */
  reset(seed) {
    this.seed = halvesOf(seed);
    this.counter = 0;
    this.state = new Float32Array(GAME_SIZE + this.nBalls * BALL_SIZE);
    this.state[COURT_SCALE] = this.game.config.court_scale;
    for (let at = GAME_SIZE; at < this.state.length; at += BALL_SIZE, this.counter += 3) {
      writeBall(this.state, at, 0, 0, ...serve(this.rules, this.seed, this.counter), SERVED, NOTHING);
    }
    return this.state;
  }

  /** One tick; returns the new state, an array of its own. */
  step(left, right) {
    const fresh = new Float32Array(this.state.length);
    this.counter = tick(this.state, fresh, ...checkActions(left, right), this.rules, this.seed, this.counter);
    return this.state = fresh;
  }

  /** Go on from a state, or from the last one of a history. Chance is not in a history: it stays as it is. */
  load(states, actions) {
    return this.state = checkHistory(states, actions, this.state.length)[0].at(-1);
  }

  /** Everything the future depends on. */
  snapshot() { return {state: this.state.slice(), seed: this.seed, counter: this.counter}; }

  restore({state, seed, counter}) {
    [this.state, this.seed, this.counter] = [state.slice(), seed, counter];
    return this.state;
  }
}
