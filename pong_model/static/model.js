/**
 * A learned engine: the tick of a GRU or an LSTM with its judges and laws, from the weights that `browser.web_model`
 * exports. It follows `pong_model.models.single` and `pong_model.fuzzy` function by function: sums in float64, states
 * and memories in float32. H is the memory's size, L its layers, K the number of balls.
 */

import {BALL_SIZE, COURT_SCALE, GAME_SIZE, HIT_LEFT, HIT_RIGHT, HORIZONTAL_FLAGS, LEFT_POINTS, LEFT_VY, LEFT_Y, MATCH_OVER,
  NOTHING, PRESENT, RIGHT_POINTS, RIGHT_SCORED, RIGHT_VY, RIGHT_Y, SCALE_LIMITS, SERVED, VERTICAL_FLAGS, VX, VY, X, Y, asUnit,
  checkActions, checkHistory, demand, eventsOf, halvesOf, randomBits} from "./rules.js";

export const WEB_FORMAT = "pong_model.web/1";

const f = Math.fround;
const N_HORIZONTAL = 6, N_VERTICAL = 3, N_ORDER = 3, N_REGIMES = 4;
const N_VIEW = 10, N_FLAGS = BALL_SIZE - HORIZONTAL_FLAGS, N_SEEN = N_VIEW + N_FLAGS + 1, N_INPUTS = 5 + BALL_SIZE + 2;
const N_JUDGES = N_HORIZONTAL - 1 + N_VERTICAL - 1 + N_ORDER - 1;      // "nothing" is the measure and has no judge
const LANE = 5;                                                        // x, y, both motions, and whether these are known
const [WALL_LAST, WALL_FIRST] = [0, 1];                                // when a wall and a paddle are met in one tick
const SLOWEST = 1e-6, STEEPEST = 100, ROUNDING = 1e-6, BOUND = 16, STILL = 1e-5;
const GATES = {none: 0, gru: 3, lstm: 4}, VECTORS = {none: 0, gru: 1, lstm: 2};

// ---------------------------------------------------------------------------------------------------- reading a model

/** A value as text that is the same in Python and here: keys in order, numbers as the digits of their 64 bits. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.keys(value).sort().map((key) => `${key}:${canonical(value[key])}`).join(",")}}`;
  }
  if (typeof value !== "number") return String(value);
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  return bits.getBigUint64(0).toString(16).padStart(16, "0");
}

/** FNV-1a, 32 bits, of the UTF-8 bytes of a text: finds what was cut short or changed, not what was forged. */
export function checksum(value) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(canonical(value))) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** The bytes that a base64 text stands for; throws if it is none. */
function bytesOf(text) {
  try { return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)); } catch { return new Uint8Array(0); }
}

/** All parts of a model by name, as float64 numbers; each says its shape. */
function unpack({parts, float32, float64}) {
  const stores = {float32: new DataView(bytesOf(float32).buffer), float64: new DataView(bytesOf(float64).buffer)};
  const at = {float32: 0, float64: 0}, width = {float32: 4, float64: 8}, unpacked = {};
  for (const [name, kind, shape] of parts) {
    const numbers = new Float64Array(shape.reduce((a, b) => a * b, 1)), store = stores[kind], begin = at[kind];
    at[kind] += numbers.length * width[kind];
    demand(at[kind] <= store.byteLength, `model, weights ${name}`, "too few numbers", `as many as its shape says (${numbers.length})`);
    for (let i = 0; i < numbers.length; i++) {
      numbers[i] = kind === "float32" ? store.getFloat32(begin + 4 * i, true) : store.getFloat64(begin + 8 * i, true);
    }
    unpacked[name] = Object.assign(numbers, {shape});
  }
  for (const kind of ["float32", "float64"]) {
    demand(at[kind] === stores[kind].byteLength, `model, ${kind} weights`, `${stores[kind].byteLength} bytes`, `${at[kind]} bytes`);
  }
  return unpacked;
}

/** Read a model from what `browser.web_model` made, an object or its JSON; throws one line that says what is wrong. */
export function readModel(json) {
  const told = typeof json === "string" ? parsed(json) : json;
  demand(told?.format === WEB_FORMAT, "model, format", told?.format, WEB_FORMAT);
  const {checksum: promised, ...rest} = told, sum = checksum(rest);
  demand(sum === promised, "model, checksum", sum, `${promised} (the file was cut short or changed)`);
  const {name, config, game, memory, carries_on: carriesOn, serve} = told;
  demand(memory in GATES, "model, memory", memory, "gru, lstm or none: other models are played from the kernel");
  const p = unpack(told), part = (what, ...shape) => partOf(p, what, shape);
  const H = config.hidden_size, watches = !config.velocities;
  return {name, config, game, memory, carriesOn, watches, hiddenSize: H,
    layers: layersOf(memory, config, part),
    standardise: scaleOf(part, "standardise", N_INPUTS), paddleScale: scaleOf(part, "paddle_scale", 4),
    matchScale: scaleOf(part, "match_scale", 2),
    judges: Array.from({length: N_JUDGES}, (_, j) => judgeOf(part, j, config)),
    paddleEvents: deciderOf(part, "paddle_events", 4, N_REGIMES), matchEvents: deciderOf(part, "match_events", 2, 1),
    ballLaw: ballLawOf(part), paddleLaw: expertsOf(part, "paddle_law", N_REGIMES, 2, 4),
    pointsLaw: expertsOf(part, "points_law", 2, 2, 2 + N_HORIZONTAL), scaleLaw: expertsOf(part, "scale_law", 1, 1, 1)[0],
    matchesEnd: part("matches_end")[0] > 0, scaleRange: part("scale_range", 2), scaleSpread: part("scale_spread")[0],
    serve: {bins: serve.bins, groups: serve.groups, low: part("serve.low", 2), high: part("serve.high", 2),
      xCounts: part("serve.x_counts", serve.bins), yCounts: part("serve.y_counts", serve.groups, serve.bins)}};
}

/** An object from JSON text. */
function parsed(text) {
  try { return JSON.parse(text); } catch { throw new RangeError("model: got text that is not JSON (truncated?), accepts what web_model makes"); }
}

/** The part of a name, which must have this shape. */
function partOf(parts, name, shape) {
  const got = parts[name]?.shape;
  demand(String(got) === String(shape), `model, weights ${name}`, got ? `shape (${got.join(", ")})` : "nothing",
    `shape (${shape.join(", ")}), as config says`);
  return parts[name];
}

/** A map of `n` numbers to `m`: weight (m, n), bias (m,). Map `c` of several in a part. */
function mapOf(weight, bias, m, n, c = 0) {
  return {weight: weight.subarray(c * m * n, (c + 1) * m * n), bias: bias.subarray(c * m, (c + 1) * m)};
}
function linearOf(part, name, m, n) { return mapOf(part(`${name}.weight`, m, n), part(`${name}.bias`, m), m, n); }
function expertsOf(part, name, count, m, n) {
  const weight = part(`${name}.weight`, count, m, n), bias = part(`${name}.bias`, count, m);
  return Array.from({length: count}, (_, c) => mapOf(weight, bias, m, n, c));
}
function scaleOf(part, name, n) { return {mean: part(`${name}.mean`, n), spread: part(`${name}.spread`, n)}; }

function layersOf(memory, {hidden_size: H, num_layers: layers = 0}, part) {
  const rows = GATES[memory] * H;
  const side = (name, layer, n) => mapOf(part(`rnn.weight_${name}_l${layer}`, rows, n), part(`rnn.bias_${name}_l${layer}`, rows), rows, n);
  return Array.from({length: memory === "none" ? 0 : layers}, (_, layer) => ({
    ih: side("ih", layer, layer ? H : N_INPUTS), hh: side("hh", layer, H), kept: new Float64Array(H)}));
}

/** The networks of a decider, and its room to work in: `first` = [planes | inputs | memory], `last` = [net | inputs]. */
function networkOf(planes, gain, first, second, out, n, nMemory = 0) {
  const P = gain.length, S = second.bias.length, room = new Float64Array(P + n + nMemory), last = new Float64Array(S + n);
  return {planes, gain, first, second, out, room, last, steps: room.subarray(0, P), inputs: room.subarray(P, P + n),
    word: room.subarray(P + n), between: new Float64Array(S), net: last.subarray(0, S), passed: last.subarray(S)};
}
function deciderOf(part, name, n, nOut) {
  return networkOf(linearOf(part, `${name}.planes.linear`, 16, n), part(`${name}.planes.gain`, 16),
    linearOf(part, `${name}.net.0`, 16, 16 + n), linearOf(part, `${name}.net.2`, 16, 16), linearOf(part, `${name}.out`, nOut, 16 + n), n);
}
function judgeOf(part, j, {planes: P, head_size: S, hidden_size: H}) {
  const J = N_JUDGES, n = N_SEEN, all = P + n + H;
  const map = (weight, bias, m, nIn) => mapOf(part(`judges.${weight}`, J, m, nIn), part(`judges.${bias}`, J, m), m, nIn, j);
  const mean = part("judges.mean", J, n).subarray(j * n, (j + 1) * n), gain = part("judges.gain", J, P).subarray(j * P, (j + 1) * P);
  const white = {weight: part("judges.white", J, n, n).subarray(j * n * n, (j + 1) * n * n), bias: new Float64Array(n)};
  return {mean, white, ...networkOf(map("planes", "place", P, n), gain, map("first", "first_bias", S, all),
    map("second", "second_bias", S, S), map("out", "out_bias", 1, S + n), n, H)};
}
function ballLawOf(part) {
  const C = N_HORIZONTAL;
  return {slope: expertsOf(part, "ball_law.slope", C, 1, N_VIEW), along: expertsOf(part, "ball_law.along", C, 1, 7),
    across: expertsOf(part, "ball_law.across", C, 1, 11), wall: expertsOf(part, "ball_law.wall", N_VERTICAL, 2, 3),
    lines: part("ball_law.speed.lines", C, 2, 2), side: part("ball_law.speed.side", C), turns: part("ball_law.turns", C),
    edges: part("ball_law.edges", 2, 2, 2), orderMatters: part("ball_law.order_matters")[0] > 0};
}

// ---------------------------------------------------------------------------------------------------- small sums

/** out = weight x + bias. */
function affine({weight, bias}, x, out) {
  const n = x.length, m = out.length, even = n - n % 4;
  for (let i = 0, at = 0; i < m; i++, at += n) {
    let a = bias[i], b = 0, c = 0, d = 0, j = 0;                       // four sums at once: each need not wait for the last
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

/** A class for the logits from `first` to before `end`; temperature 0: the most likely, else one drawn by `u` in [0, 1). */
function pick(logits, first, end, temperature, u) {
  const best = mostLikely(logits, first, end);
  if (temperature === 0) return best;
  const masses = Array.from(logits.subarray(first, end), (logit) => Math.exp((logit - logits[first + best]) / temperature));
  const total = masses.reduce((a, b) => a + b);
  let upto = 0;
  const chosen = masses.findIndex((mass) => (upto += mass / total) >= u);
  return chosen < 0 ? masses.length - 1 : chosen;
}

function clamp(x, low, high) { return Math.min(Math.max(x, low), high); }
function sigmoid(x) { return 1 / (1 + Math.exp(-x)); }

// ---------------------------------------------------------------------------------------------------- memory

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
  return memory.map(({layers, lane}) => ({layers: layers.map((vectors) => vectors.map((v) => v.slice())), lane: lane.slice()}));
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

// ---------------------------------------------------------------------------------------------------- deciding

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

// ---------------------------------------------------------------------------------------------------- laws

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
  const slope = expert(law.slope[h], desk.view), speed = Math.sqrt(vx * vx + vy * vy), side = law.side[h], line = 4 * h;
  const first = law.lines[line] * speed + law.lines[line + 1], second = law.lines[line + 2] * speed + law.lines[line + 3];
  const faster = side * Math.min(side * first, side * second);         // the lesser of two lines, or the greater
  said[2] = law.turns[h] * (vx < 0 ? -1 : 1) * faster / Math.sqrt(1 + slope * slope);
  said[3] = slope * said[2];
  const old = Math.abs(vx) < SLOWEST ? SLOWEST : vx, r = said[2] / old, q = said[3] / old;
  along[0] = scale; along[1] = x; along[2] = vx; along[3] = said[2]; along[4] = r; along[5] = r * scale; along[6] = r * x;
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

/** x, y, vx, vy after the events `h` and `v`, and where it matters, in this order: into `desk.said`; `desk.view` may change. */
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

// ---------------------------------------------------------------------------------------------------- the parts of a tick

/** Room to work in; nothing here outlives a tick but `logits`. */
function deskFor(model, nBalls) {
  const work = GATES[model.memory] * model.hiddenSize, room = (n) => new Float64Array(n), seen = room(N_SEEN);
  return {inputs: room(N_INPUTS), fresh: room(work), old: room(work), word: room(model.hiddenSize), seen, view: seen.subarray(0, N_VIEW), shifted: room(N_SEEN),
    rounded: new Float32Array(N_VIEW), along: room(7), across: room(11), falling: room(3), bounced: room(2), said: room(4),
    move: room(4), regimes: room(N_REGIMES), moved: room(2), points: room(2 + N_HORIZONTAL), kept: room(2), answer: room(1),
    counted: room(2), logits: Array.from({length: nBalls}, () => room(N_HORIZONTAL + N_VERTICAL + N_ORDER))};
}

/** The view of a ball, rounded to float32, into `desk.view`. */
function viewBall(desk, left, right, scale, x, y, vx, vy) {
  look(left, right, scale, x, y, vx, vy, desk.rounded);
  desk.view.set(desk.rounded);
}

/** Write ball k's motion into its slot and its lane: what its law says, or, if nothing is known yet, the way it came. */
function watch(model, desk, lane, k, state) {
  const at = GAME_SIZE + k * BALL_SIZE, [h, v] = eventsOf(state, k), free = h === NOTHING && v === NOTHING, known = lane[4] > 0.5;
  viewBall(desk, state[LEFT_Y], state[RIGHT_Y], state[COURT_SCALE], lane[0], lane[1], lane[2], lane[3]);
  ballLaw(model.ballLaw, desk, h, v, WALL_LAST);
  if (h !== SERVED) {
    const follows = known && h <= HIT_RIGHT && (model.carriesOn || !free);
    for (let i = 0; i < 2; i++) state[at + VX + i] = follows ? desk.said[2 + i] : state[at + X + i] - lane[i];
  }
  for (let i = 0; i < 4; i++) lane[i] = state[at + X + i];
  lane[4] = (known || free) && h !== SERVED ? 1 : 0;
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
  const at = GAME_SIZE + k * BALL_SIZE, before = state[COURT_SCALE], now = fresh[COURT_SCALE], {seen} = desk, law = model.ballLaw;
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
 * The next state, from `state` (F,) and `action` (2,) to `fresh` (F,), in which the court's scale stands already; returns
 * which balls are served. `memory` changes, and so may `state`. `choose(logits, k) -> [h, v]` decides what happens to ball k.
 */
function tick(model, desk, memory, state, action, fresh, choose) {
  watchAll(model, desk, memory, state);
  movePaddles(model, desk, state, action, fresh);
  keepPoints(model, desk, state);
  let [left, right] = desk.kept, over = false;
  const [keptLeft, keptRight] = desk.kept, served = [];
  memory.forEach((_, k) => {
    recall(model, desk, memory, k, state, action);
    judgeBall(model, desk, k, state, fresh);
    const logits = desk.logits[k], present = state[GAME_SIZE + k * BALL_SIZE + PRESENT];
    const [h, v] = choose(logits, k), order = mostLikely(logits, N_HORIZONTAL + N_VERTICAL, logits.length);
    moveBall(model, desk, k, h, v, order, state, fresh);
    left += present * gain(model, h, 0);
    right += present * gain(model, h, 1);
    if (present > 0 && model.matchesEnd) over ||= endsMatch(model, desk, keptLeft + gain(model, h, 0), keptRight + gain(model, h, 1));
    served[k] = h === SERVED && present > 0;
  });
  [fresh[LEFT_POINTS], fresh[RIGHT_POINTS], fresh[MATCH_OVER]] = [left, right, over ? 1 : 0];
  return served;
}

// ---------------------------------------------------------------------------------------------------- serves

/** A place on an axis of bins, by the inverse of the distribution function; temperature 0: the median. */
function drawBin(counts, u, temperature) {
  const power = 1 / Math.max(temperature, 1e-3), bins = counts.length;
  const masses = Array.from(counts, (n) => (n > 0 ? (temperature ? n ** power : n) : 0) + 1e-12);
  const total = masses.reduce((a, b) => a + b), upto = [];
  masses.reduce((sum, mass, k) => upto[k] = sum + mass / total, 0);
  const sought = temperature ? u : 0.5, found = upto.findIndex((share) => share >= sought), k = found < 0 ? bins - 1 : found;
  const below = k ? upto[k - 1] : 0;
  return f(clamp(k + (sought - below) / (upto[k] - below), 0, bins - 1e-3));
}

/** A served velocity, [vx, vy], for two uniform random numbers. */
function sampleServe({bins, groups, low, high, xCounts, yCounts}, u, temperature) {
  const x = drawBin(xCounts, u[0], temperature), group = clamp(Math.floor(Math.trunc(x) * groups / bins), 0, groups - 1);
  const y = drawBin(yCounts.subarray(group * bins, (group + 1) * bins), u[1], temperature);
  return [x, y].map((place, i) => f(low[i] + f(f(place * f(high[i] - low[i])) / bins)));
}

// ---------------------------------------------------------------------------------------------------- the engine

/** Pong as a model believes it to be: one game, with a memory carried from tick to tick. */
export class FuzzyEngine {
  constructor(model, seed = 0, {eventTemperature = 0, serveTemperature = 1, nBalls = model.game.config.n_balls} = {}) {
    demand(Number.isInteger(nBalls) && nBalls >= 1 && nBalls <= 64, "nBalls", nBalls, "a whole number from 1 to 64");
    this.kind = "learned";
    [this.model, this.nBalls, this.eventTemperature, this.serveTemperature] = [model, nBalls, eventTemperature, serveTemperature];
    this.game = {config: {...model.game.config, n_balls: nBalls}, rules: {...model.game.rules, n_balls: nBalls}};
    this.unit = model.watches ? this.game.config.tick_rate : 1;        // one of the model's speeds in court heights per second
    this.desk = deskFor(model, nBalls);
    this.reset(seed);
  }

  get eventTemperature() { return this._eventTemperature; }
  set eventTemperature(value) { this._eventTemperature = checkTemperature("eventTemperature", value); }
  get serveTemperature() { return this._serveTemperature; }
  set serveTemperature(value) { this._serveTemperature = checkTemperature("serveTemperature", value); }

  /** Begin anew with a serve; returns the first state. */
  reset(seed) {
    [this.seed, this.ticks, this.court] = [halvesOf(seed), 0, null];
    const start = new Float32Array(GAME_SIZE + this.nBalls * BALL_SIZE), scale = this.game.config.court_scale;
    start[COURT_SCALE] = scale;
    for (let at = GAME_SIZE; at < start.length; at += BALL_SIZE) {     // as if a point had just been made
      start[at + PRESENT] = start[at + HORIZONTAL_FLAGS - 1 + RIGHT_SCORED] = 1;
    }
    this.state = start;
    this._memory = memoryFor(this.model, this.nBalls);
    const first = this._tick(start, [0, 0], this._expected(scale), (logits) => [SERVED, pickVertical(logits, 0)]);
    first.fill(0, 0, COURT_SCALE);
    first[COURT_SCALE] = scale;
    this._memory = memoryFor(this.model, this.nBalls);
    this.ticks = 1;
    return this.state = first;
  }

  /** One tick; returns the new state, an array of its own. Throws if the model has lost the game. */
  step(left, right) {
    const actions = checkActions(left, right), temperature = this.eventTemperature;
    const choose = (logits, k) => this._there(k) ? [pick(logits, 0, N_HORIZONTAL, temperature, this._random(k, 0)),
      pickVertical(logits, temperature, this._random(k, 1))] : [NOTHING, NOTHING];
    const fresh = this._tick(this._seen(this.state), actions, this._nextScale(), choose);
    if (!fresh.every(Number.isFinite)) throw new Error(`the learned game is lost: ${lostPart(fresh)} is beyond all numbers; start it again`);
    this.ticks += 1;
    this.court = null;
    return this.state = fresh;
  }

  /** Set the court's scale of the next tick: a court that walks is otherwise walked by the model. */
  drive(scale) {
    const [low, high] = SCALE_LIMITS;
    demand(scale >= low && scale <= high, "scale", scale, `a number from ${low} to ${high}`);
    this.court = f(scale);
  }

  /** Go on from a state, or from a history of states and the actions between them, which the memory takes in. */
  load(states, actions) {
    const [rows, taken] = checkHistory(states, actions, this.state.length);
    this._memory = memoryFor(this.model, this.nBalls);
    taken.forEach((action, t) => {
      const state = this._seen(rows[t]).slice();
      watchAll(this.model, this.desk, this._memory, state);
      for (let k = 0; k < this.nBalls; k++) recall(this.model, this.desk, this._memory, k, state, action);
    });
    this.court = null;
    return this.state = rows.at(-1);
  }

  /** The most likely next state if the game stood in `state` now; the memory goes on. Served balls have no true velocity. */
  predict(state, left, right, scale = this._expected(state[COURT_SCALE])) {
    this.state = Float32Array.from(state);
    const fresh = new Float32Array(state.length);
    fresh[COURT_SCALE] = scale;
    const likely = (logits) => [pick(logits, 0, N_HORIZONTAL, 0), pickVertical(logits, 0)];
    return this._told(fresh, tick(this.model, this.desk, this._memory, this._seen(state), [left, right], fresh, likely));
  }

  /** Everything the future depends on. */
  snapshot() { return {state: this.state.slice(), seed: this.seed, ticks: this.ticks, court: this.court, memory: this.memory()}; }

  restore({state, seed, ticks, court, memory}) {
    [this.state, this.seed, this.ticks, this.court] = [state.slice(), seed, ticks, court];
    this.setMemory(memory);
    return this.state;
  }

  /** A copy of the memory: for each ball its layers' vectors (each H numbers) and its lane (5 numbers). */
  memory() { return copyOfMemory(this._memory); }

  setMemory(memory) {
    demand(memory.length === this.nBalls, "memory", `${memory.length} balls`, this.nBalls);
    this._memory = copyOfMemory(memory);
  }

  /** Add `amount * direction` to ball k's memory: H numbers to its last layer, or 5 to its lane. */
  pushMemory(k, direction, amount) {
    const {layers, lane} = this._memory[k] ?? {}, own = this.model.watches && direction.length === LANE ? lane : layers?.at(-1)?.[0];
    demand(own?.length === direction.length, "direction", `${direction.length} numbers`, `${this.model.hiddenSize} of a memory or ${LANE} of a lane`);
    for (let i = 0; i < own.length; i++) own[i] += amount * direction[i];
  }

  _there(k) { return this.state[GAME_SIZE + k * BALL_SIZE + PRESENT] > 0.5; }

  /** Random number `i` of 5 of ball k in this tick. */
  _random(k, i) { return asUnit(randomBits(this.seed, (this.ticks * 5 * this.nBalls + 5 * k + i) % 2 ** 32)); }

  /** The model's tick as others see it: serves drawn, speeds in court heights per second. */
  _tick(state, actions, scale, choose) {
    const fresh = new Float32Array(state.length), {unit} = this;
    fresh[COURT_SCALE] = scale;
    const served = tick(this.model, this.desk, this._memory, state, actions, fresh, choose);
    served.forEach((isServed, k) => {
      if (!isServed) return;
      const serve = sampleServe(this.model.serve, [this._random(k, 2), this._random(k, 3)], this.serveTemperature);
      fresh.set(serve.map((v) => f(f(unit * v) / unit)), GAME_SIZE + k * BALL_SIZE + VX);
    });
    return this._told(fresh, served);
  }

  /** The court's scale that the law expects after `scale`. */
  _expected(scale) {
    const {weight, bias} = this.model.scaleLaw;
    return f(f(scale * f(weight[0])) + f(bias[0]));
  }

  /** The court's scale of the next tick: as it was set, or what the model makes of it. */
  _nextScale() {
    if (this.court !== null) return this.court;
    const expected = this._expected(this.state[COURT_SCALE]), {scaleSpread, scaleRange} = this.model;
    if (scaleSpread <= STILL) return expected;
    const [low, high] = scaleRange.map(f), step = f(f(scaleSpread * 12 ** 0.5) * f(this._random(0, 4) - 0.5));
    const moved = f(expected + step);
    return clamp(moved > high ? f(f(2 * high) - moved) : moved < low ? f(f(2 * low) - moved) : moved, low, high);
  }

  /** A state as the model is given it: of velocities, one that is told positions only looks at a serve's, which it drew itself. */
  _seen(state) {
    const seen = Float32Array.from(state);
    if (this.model.watches) for (let at = GAME_SIZE; at < seen.length; at += BALL_SIZE) { seen[at + VX] /= this.unit; seen[at + VY] /= this.unit; }
    return seen;
  }

  /** A state as others are given it: where the model knows no velocities, they are differences of its positions. */
  _told(fresh, served) {
    if (!this.model.watches) return fresh;
    const {state, unit} = this;
    served.forEach((isServed, k) => {
      for (let i = GAME_SIZE + k * BALL_SIZE + X; i <= GAME_SIZE + k * BALL_SIZE + Y; i++) {
        fresh[i + 2] = unit * (isServed ? fresh[i + 2] : f(fresh[i] - state[i]));
      }
    });
    for (const y of [LEFT_Y, RIGHT_Y]) fresh[y + 1] = unit * f(fresh[y] - state[y]);
    return fresh;
  }
}

function pickVertical(logits, temperature, u) { return pick(logits, N_HORIZONTAL, N_HORIZONTAL + N_VERTICAL, temperature, u); }

function checkTemperature(name, value) {
  demand(value >= 0 && value <= 100, name, value, "a number from 0 to 100");
  return value;
}

/** In words, the first part of a state that is no number. */
function lostPart(state) {
  const i = state.findIndex((x) => !Number.isFinite(x));
  return i < GAME_SIZE ? "a paddle or the score" : `ball ${1 + Math.floor((i - GAME_SIZE) / BALL_SIZE)}`;
}
