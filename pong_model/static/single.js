/**
 * A tick of a learned game as loops over numbers, the twin of `pong_model.models.single`, function by function: sums in
 * float64, states and memories in float32. `model` is what `readModel` of model.js makes of a file.
 * F features of a state, K balls, H numbers of memory.
 */

import {BALL_SIZE, COURT_SCALE, GAME_SIZE, HIT_LEFT, HIT_RIGHT, HORIZONTAL_FLAGS, LEFT_POINTS, LEFT_VY, LEFT_Y,
  MATCH_OVER, NOTHING, PRESENT, RIGHT_POINTS, RIGHT_VY, RIGHT_Y, SERVED, VERTICAL_FLAGS, VX, VY, X, Y, demand,
  eventsOf} from "./rules.js";

export const [N_HORIZONTAL, N_VERTICAL, N_ORDER, N_REGIMES] = [6, 3, 3, 4];
export const N_JUDGES = N_HORIZONTAL - 1 + N_VERTICAL - 1 + N_ORDER - 1;     // "nothing" has none: it is the measure
export const N_VIEW = 10;
export const N_SEEN = N_VIEW + BALL_SIZE - HORIZONTAL_FLAGS + 1;             // the view, the flags, is the match over?
export const N_INPUTS = 5 + BALL_SIZE + 2;                                   // what a memory is told of a ball
export const GATES = {none: 0, gru: 3, lstm: 4};

const f = Math.fround;
const LANE = 5;                              // x, y, both motions, their worth: 0 never seen, 0.5 a guess, 1 known
const WALL_LAST = 0, WALL_FIRST = 1;                                         // in a tick that meets a wall and a paddle
const SLOWEST = 1e-6, STEEPEST = 100, ROUNDING = 1e-6, BOUND = 16;
const N_FLAGS = BALL_SIZE - HORIZONTAL_FLAGS, VECTORS = {none: 0, gru: 1, lstm: 2};

// -------------------------------------------------------------------------------- small sums

/** out = weight x + bias. */
function affine({weight, bias}, x, out) {
  const n = x.length, m = out.length, even = n - n % 4;
  for (let i = 0, at = 0; i < m; i++, at += n) {
    let a = bias[i], b = 0, c = 0, d = 0, j = 0;                     // four sums at once: none waits for another
    for (; j < even; j += 4) {
      a += weight[at + j] * x[j];
      b += weight[at + j + 1] * x[j + 1];
      c += weight[at + j + 2] * x[j + 2];
      d += weight[at + j + 3] * x[j + 3];
    }
    for (; j < n; j++) a += weight[at + j] * x[j];
    out[i] = a + b + (c + d);
  }
}

/** The one number that a map to one number says. */
function expert({weight, bias}, x) {
  let total = bias[0];
  for (let i = 0; i < x.length; i++) total += weight[i] * x[i];
  return total;
}

/** out = (x - mean)/spread. */
function standardise({mean, spread}, x, out) {
  for (let i = 0; i < x.length; i++) out[i] = (x[i] - mean[i]) / spread[i];
}

/** The place, counted from `first`, of the largest of the logits from there to before `end`. */
function mostLikely(logits, first, end) {
  let best = first;
  for (let i = first + 1; i < end; i++) if (logits[i] > logits[best]) best = i;
  return best - first;
}

/** A class for the logits from `first` to before `end`: the likeliest at temperature 0, else drawn by `u` in [0, 1). */
function pick(logits, first, end, temperature, u) {
  const best = mostLikely(logits, first, end);
  if (temperature === 0) return best;
  const top = logits[first + best], mass = (logit) => Math.exp((logit - top) / temperature);
  const masses = Array.from(logits.subarray(first, end), mass);
  const total = masses.reduce((a, b) => a + b);
  let upto = 0;
  const chosen = masses.findIndex((one) => (upto += one / total) >= u);
  return chosen < 0 ? masses.length - 1 : chosen;
}

export function clamp(x, low, high) { return Math.min(Math.max(x, low), high); }
function sigmoid(x) { return 1 / (1 + Math.exp(-x)); }

// -------------------------------------------------------------------------------- memory

/** One tick of a GRU layer; `h` (H,) changes in place. */
function gruCell(fresh, old, h) { // (3H,), (3H,), (H,)
  const H = h.length;
  for (let i = 0; i < H; i++) {
    const reset = sigmoid(fresh[i] + old[i]), update = sigmoid(fresh[H + i] + old[H + i]);
    const candidate = Math.tanh(fresh[2 * H + i] + reset * old[2 * H + i]);
    h[i] = (1 - update) * candidate + update * h[i];
  }
}

/** One tick of an LSTM layer; `h` and `c` (H,) change in place. */
function lstmCell(fresh, old, h, c) { // (4H,), (4H,), (H,), (H,)
  const H = h.length;
  for (let i = 0; i < H; i++) {
    const letIn = sigmoid(fresh[i] + old[i]), keep = sigmoid(fresh[H + i] + old[H + i]);
    const candidate = Math.tanh(fresh[2 * H + i] + old[2 * H + i]), show = sigmoid(fresh[3 * H + i] + old[3 * H + i]);
    c[i] = keep * c[i] + letIn * candidate;
    h[i] = show * Math.tanh(c[i]);
  }
}

/** An empty memory of K balls: for each ball its layers' vectors (H,), and its lane (5,). */
function memoryFor(model, nBalls) {
  const vectors = () => Array.from({length: VECTORS[model.memory]}, () => new Float32Array(model.hiddenSize));
  return Array.from({length: nBalls}, () => ({layers: model.layers.map(vectors), lane: new Float32Array(LANE)}));
}

function copyOfMemory(memory) {
  const copyOfLayers = (layers) => layers.map((vectors) => vectors.map((v) => Float32Array.from(v)));
  return memory.map(({layers, lane}) => ({layers: copyOfLayers(layers), lane: Float32Array.from(lane)}));
}

/** Take a ball's inputs (19,) into its memory; `word` (H,) is what the memory says then. */
function remember(model, desk, layers, word) {
  word.fill(0);
  let x = desk.inputs;
  model.layers.forEach(({ih, hh, kept}, layer) => {
    const [h, c] = layers[layer];
    kept.set(h);
    affine(ih, x, desk.fresh);
    affine(hh, kept, desk.old);
    if (c) lstmCell(desk.fresh, desk.old, h, c); else gruCell(desk.fresh, desk.old, h);
    word.set(h);
    x = word;
  });
}

// -------------------------------------------------------------------------------- deciding

/** Logits of a decider whose `inputs` (and `word`) are filled. */
function decide(net, out) {
  affine(net.planes, net.inputs, net.steps);
  for (let i = 0; i < net.steps.length; i++) net.steps[i] = Math.tanh(net.gain[i] * net.steps[i]);
  affine(net.first, net.room, net.between);
  for (let i = 0; i < net.between.length; i++) net.between[i] = Math.max(net.between[i], 0);
  affine(net.second, net.between, net.net);
  for (let i = 0; i < net.net.length; i++) net.net[i] = Math.max(net.net[i], 0);
  net.passed.set(net.inputs);
  affine(net.out, net.last, out);
}

/** The inputs `x` (18,) through the glass of a judge. */
function lookThrough(judge, x, shifted) {
  for (let i = 0; i < x.length; i++) shifted[i] = x[i] - judge.mean[i];
  affine(judge.white, shifted, judge.inputs);
  for (let i = 0; i < x.length; i++) judge.inputs[i] = clamp(judge.inputs[i], -BOUND, BOUND);
}

// -------------------------------------------------------------------------------- laws

/** What decides about a ball: both paddles, court scale, x, y, vx, vy, slope, slope*x, slope*scale. */
function look(left, right, scale, x, y, vx, vy, view) { // numbers, (10,)
  view[0] = left; view[1] = right; view[2] = scale; view[3] = x; view[4] = y; view[5] = vx; view[6] = vy;
  view[7] = clamp(vy / (Math.abs(vx) < SLOWEST ? SLOWEST : vx), -STEEPEST, STEEPEST);
  view[8] = view[7] * x;
  view[9] = view[7] * scale;
}

/** Where balls are pushed along x (0) or y (1), low (0) or high (1), in a court of this scale. */
function edge({edges}, axis, side, scale) {
  const at = 4 * axis + 2 * side;
  return edges[at] * scale + edges[at + 1];
}

/** A ball's place along one axis after the court went from the scale `before` to `now`. */
function push(law, axis, place, before, now) {
  if (place < edge(law, axis, 0, before) - ROUNDING || place > edge(law, axis, 1, before) + ROUNDING) return place;
  return f(clamp(place, edge(law, axis, 0, now), edge(law, axis, 1, now)));
}

/** Into `said`: x, y, vx, vy after the horizontal event `h`, as if there were no walls. */
function fly(law, desk, h, said) {
  const [, , scale, x, y, vx, vy, slopeNow, slopeX, slopeScale] = desk.view, {along, across} = desk;
  const slope = expert(law.slope[h], desk.view), speed = Math.sqrt(vx * vx + vy * vy), side = law.side[h];
  const [a, b, c, d] = law.lines[h], first = a * speed + b, second = c * speed + d;
  const faster = side * Math.min(side * first, side * second);         // the lesser of two lines, or the greater
  said[2] = law.turns[h] * (vx < 0 ? -1 : 1) * faster / Math.sqrt(1 + slope * slope);
  said[3] = slope * said[2];
  const old = Math.abs(vx) < SLOWEST ? SLOWEST : vx, r = said[2] / old, q = said[3] / old;
  along[0] = scale; along[1] = x; along[2] = vx; along[3] = said[2];
  along[4] = r; along[5] = r * scale; along[6] = r * x;
  said[0] = expert(law.along[h], along);
  across[0] = scale; across[1] = y; across[2] = slopeNow; across[3] = slopeX; across[4] = slopeScale; across[5] = vy;
  across[6] = said[3]; across[7] = q; across[8] = q * scale; across[9] = q * x; across[10] = x;
  said[1] = expert(law.across[h], across);
}

/** What a wall makes of y and vy in the vertical event `v`: into `desk.bounced` (2,). */
function bounce(law, desk, v, y, vy, scale) {
  desk.falling[0] = y; desk.falling[1] = vy; desk.falling[2] = scale;
  affine(law.wall[v], desk.falling, desk.bounced);
}

/** Into `desk.said`: x, y, vx, vy after the events `h` and `v`, where it matters in this order; may change the view. */
function ballLaw(law, desk, h, v, order) {
  const {view, said, bounced} = desk, hit = h === HIT_LEFT || h === HIT_RIGHT;
  let last = v !== NOTHING;
  if (last && hit && order !== WALL_LAST && law.orderMatters) {
    bounce(law, desk, v, view[4], view[6], view[2]);
    look(view[0], view[1], view[2], view[3], bounced[0], view[5], bounced[1], view);
    last = order !== WALL_FIRST;
  }
  fly(law, desk, h, said);
  if (last) {
    bounce(law, desk, v, said[1], said[3], view[2]);
    [said[1], said[3]] = bounced;
  }
}

// -------------------------------------------------------------------------------- the parts of a tick

/** Room to work in; nothing here outlives a tick but `logits`. */
function deskFor(model, nBalls) {
  const work = GATES[model.memory] * model.hiddenSize, room = (n) => new Float64Array(n), seen = room(N_SEEN);
  return {
    inputs: room(N_INPUTS), fresh: room(work), old: room(work), word: room(model.hiddenSize),               // memory
    seen, view: seen.subarray(0, N_VIEW), shifted: room(N_SEEN), rounded: new Float32Array(N_VIEW), answer: room(1),
    along: room(7), across: room(11), falling: room(3), bounced: room(2), said: room(4),                    // laws
    move: room(4), regimes: room(N_REGIMES), moved: room(2),                                                // paddles
    points: room(2 + N_HORIZONTAL), kept: room(2), counted: room(2),                                        // points
    logits: Array.from({length: nBalls}, () => room(N_HORIZONTAL + N_VERTICAL + N_ORDER)),
  };
}

/** The view of a ball, rounded to float32, into `desk.view`. */
function viewBall(desk, left, right, scale, x, y, vx, vy) {
  look(left, right, scale, x, y, vx, vy, desk.rounded);
  desk.view.set(desk.rounded);
}

/** Write ball k's motion into its slot and its lane: what its law says, or if nothing is known yet, the way it came. */
function watch(model, desk, lane, k, state) {
  const at = GAME_SIZE + k * BALL_SIZE, [h, v] = eventsOf(state, k);
  const free = h === NOTHING && v === NOTHING, seen = lane[4] > 0, known = lane[4] > 0.5;
  viewBall(desk, state[LEFT_Y], state[RIGHT_Y], state[COURT_SCALE], lane[0], lane[1], lane[2], lane[3]);
  ballLaw(model.ballLaw, desk, h, v, WALL_LAST);
  if (h !== SERVED) {
    const follows = known && h <= HIT_RIGHT && (model.carriesOn || !free);
    for (let i = 0; i < 2; i++) state[at + VX + i] = follows ? desk.said[2 + i] : state[at + X + i] - lane[i];
  }
  for (let i = 0; i < 4; i++) lane[i] = state[at + X + i];
  lane[4] = (known || (free && seen)) && h !== SERVED ? 1 : 0.5;
}

/** Where no velocities are told: paddles have none, balls get theirs from the lane. */
function watchAll(model, desk, memory, state) {
  if (!model.watches) return;
  state[LEFT_VY] = state[RIGHT_VY] = 0;
  memory.forEach(({lane}, k) => watch(model, desk, lane, k, state));
}

/** Write both paddles' height and velocity; the court's scale of `fresh` must be there. */
function movePaddles(model, desk, state, action, fresh) {
  for (let side = 0; side < 2; side++) {
    const at = LEFT_Y + side * (RIGHT_Y - LEFT_Y), {move, moved} = desk;
    move[0] = state[at]; move[1] = state[at + 1]; move[2] = action[side]; move[3] = fresh[COURT_SCALE];
    standardise(model.paddleScale, move, model.paddleEvents.inputs);
    decide(model.paddleEvents, desk.regimes);
    affine(model.paddleLaw[mostLikely(desk.regimes, 0, N_REGIMES)], move, moved);
    fresh[at] = moved[0];
    fresh[at + 1] = moved[1];
  }
}

/** Take ball k into the memory; its word is then `desk.word`. */
function recall(model, desk, memory, k, state, action) {
  const {inputs} = desk, at = GAME_SIZE + k * BALL_SIZE;
  for (let i = 0; i < 4; i++) inputs[i] = state[LEFT_Y + i];
  inputs[4] = state[COURT_SCALE];
  for (let i = 0; i < BALL_SIZE; i++) inputs[5 + i] = state[at + i];
  inputs[5 + BALL_SIZE] = action[0];
  inputs[6 + BALL_SIZE] = action[1];
  standardise(model.standardise, inputs, inputs);
  remember(model, desk, memory[k].layers, desk.word);
}

/** Write `desk.logits[k]`; the paddles of `fresh` and the memory's word must be there. */
function judgeBall(model, desk, k, state, fresh) {
  const at = GAME_SIZE + k * BALL_SIZE, before = state[COURT_SCALE], now = fresh[COURT_SCALE];
  const {seen} = desk, law = model.ballLaw;
  const x = push(law, 0, state[at + X], before, now), y = push(law, 1, state[at + Y], before, now);
  viewBall(desk, fresh[LEFT_Y], fresh[RIGHT_Y], now, x, y, state[at + VX], state[at + VY]);
  for (let i = 0; i < N_FLAGS; i++) seen[N_VIEW + i] = state[at + HORIZONTAL_FLAGS + i];
  seen[N_VIEW + N_FLAGS] = state[MATCH_OVER];
  const asked = N_JUDGES - (law.orderMatters ? 0 : N_ORDER - 1);       // nobody asks for an order that does not matter
  for (let j = 0, place = 0; j < asked; j++) {
    place += 1;
    if (place === N_HORIZONTAL || place === N_HORIZONTAL + N_VERTICAL) place += 1;     // there stands a "nothing"
    const judge = model.judges[j];
    judge.word.set(desk.word);
    lookThrough(judge, seen, desk.shifted);
    decide(judge, desk.answer);
    desk.logits[k][place] = desk.answer[0];
  }
}

/** Write ball k's slot after these events; its view must be in `desk.view`. */
function moveBall(model, desk, k, h, v, order, state, fresh) {
  const at = GAME_SIZE + k * BALL_SIZE, present = state[at + PRESENT];
  ballLaw(model.ballLaw, desk, h, v, order);
  fresh[at + PRESENT] = present;
  for (let i = 0; i < 4; i++) fresh[at + X + i] = present * desk.said[i];
  for (let i = at + HORIZONTAL_FLAGS; i < at + BALL_SIZE; i++) fresh[i] = 0;
  if (h !== NOTHING) fresh[at + HORIZONTAL_FLAGS - 1 + h] = present;
  if (v !== NOTHING) fresh[at + VERTICAL_FLAGS - 1 + v] = present;
}

/** Both sides' points if nothing happens to any ball: into `desk.kept`. */
function keepPoints(model, desk, state) {
  desk.points.fill(0);
  desk.points[0] = state[LEFT_POINTS];
  desk.points[1] = state[RIGHT_POINTS];
  affine(model.pointsLaw[state[MATCH_OVER] > 0.5 ? 1 : 0], desk.points, desk.kept);
}

/** What the horizontal event `h` adds to a side's points. */
function gain(model, h, side) { return model.pointsLaw[0].weight[side * (2 + N_HORIZONTAL) + 2 + h]; }

/** Whether the match is over with these points. */
function endsMatch(model, desk, left, right) {
  desk.counted[0] = left;
  desk.counted[1] = right;
  standardise(model.matchScale, desk.counted, model.matchEvents.inputs);
  decide(model.matchEvents, desk.answer);
  return desk.answer[0] > 0;
}

/**
 * One tick, from `state` (F,) and `action` (2,) to `fresh` (F,), in which the court's scale stands already; returns
 * which balls are served. `memory` and `state` may change. `choose(logits, k) -> [h, v]` says what happens to ball k.
 */
function tick(model, desk, memory, state, action, fresh, choose) {
  watchAll(model, desk, memory, state);
  movePaddles(model, desk, state, action, fresh);
  keepPoints(model, desk, state);
  const [keptLeft, keptRight] = desk.kept, served = [];
  let left = keptLeft, right = keptRight, over = false;
  for (let k = 0; k < memory.length; k++) {
    recall(model, desk, memory, k, state, action);
    judgeBall(model, desk, k, state, fresh);
    const logits = desk.logits[k], present = state[GAME_SIZE + k * BALL_SIZE + PRESENT];
    const [h, v] = choose(logits, k), order = mostLikely(logits, N_HORIZONTAL + N_VERTICAL, logits.length);
    const forLeft = gain(model, h, 0), forRight = gain(model, h, 1);
    moveBall(model, desk, k, h, v, order, state, fresh);
    left += present * forLeft;
    right += present * forRight;
    if (present > 0 && model.matchesEnd) over ||= endsMatch(model, desk, keptLeft + forLeft, keptRight + forRight);
    served.push(h === SERVED && present > 0);
  }
  [fresh[LEFT_POINTS], fresh[RIGHT_POINTS], fresh[MATCH_OVER]] = [left, right, over ? 1 : 0];
  return served;
}

// -------------------------------------------------------------------------------- the game

/** One game as `model` believes it to be; serves are left to the caller. */
export class SingleGame {
  constructor(model, nBalls) {
    [this.model, this.nBalls, this.desk] = [model, nBalls, deskFor(model, nBalls)];
    this.begin();
  }

  /** Forget everything. */
  begin() { this._memory = memoryFor(this.model, this.nBalls); }

  /** Forget ball k. */
  forget(k) { [this._memory[k]] = memoryFor(this.model, 1); }

  /**
   * One tick in a court of this scale: [the next state (F,), which balls are served (K,)]; vx and vy of served balls
   * are for the caller to draw. `events(horizontal, vertical, k) -> [h, v]` chooses what happens to ball k; the first
   * two are functions `(temperature, u) -> class`. By default the most likely happens.
   */
  tick(state, action, scale, events = (horizontal, vertical) => [horizontal(0), vertical(0)]) {
    const fresh = new Float32Array(state.length), end = N_HORIZONTAL + N_VERTICAL;
    const choose = (logits, k) => events((temperature, u) => pick(logits, 0, N_HORIZONTAL, temperature, u),
      (temperature, u) => pick(logits, N_HORIZONTAL, end, temperature, u), k);
    fresh[COURT_SCALE] = scale;
    return [fresh, tick(this.model, this.desk, this._memory, Float32Array.from(state), action, fresh, choose)];
  }

  /** Take a state and an action into the memory, without a word about what follows. */
  witness(state, action) {
    const seen = Float32Array.from(state);
    watchAll(this.model, this.desk, this._memory, seen);
    for (let k = 0; k < this.nBalls; k++) recall(this.model, this.desk, this._memory, k, seen, action);
  }

  /** A copy of the memory: for each ball its layers' vectors (each H numbers) and its lane (5 numbers). */
  get memory() { return copyOfMemory(this._memory); }
  set memory(memory) {
    demand(memory.length === this.nBalls, "memory", `${memory.length} balls`, this.nBalls);
    this._memory = copyOfMemory(memory);
  }

  /** Add `amount * direction` to ball k's memory: H numbers to its last layer, or 5 to its lane. */
  push(k, direction, amount) {
    const {layers, lane} = this._memory[k] ?? {}, {watches, hiddenSize: H} = this.model;
    const own = watches && direction.length === LANE ? lane : layers?.at(-1)?.[0];
    demand(own?.length === direction.length, "direction", `${direction.length} numbers`,
      `${H} of a memory${watches ? ` or ${LANE} of a lane` : ""}`);
    for (let i = 0; i < own.length; i++) own[i] += amount * direction[i];
  }

  /** For each ball the logits of its horizontal and vertical events and of their order, in the last tick: 6 + 3 + 3. */
  get logits() { return this.desk.logits.map((logits) => logits.slice()); }
}
