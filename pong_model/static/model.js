/**
 * A learned engine, the twin of `pong_model.fuzzy`: a model, read from what `browser.web_model` made in Python, in a
 * loop in which its own prediction is the next state.
 */

import {BALL_SIZE, COURT_SCALE, GAME_SIZE, HORIZONTAL_FLAGS, LEFT_Y, NOTHING, PRESENT, RIGHT_SCORED, RIGHT_Y,
  SCALE_LIMITS, SERVED, VX, VY, X, Y, asUnit, checkActions, checkHistory, demand, halvesOf,
  randomBits} from "./rules.js";
import {GATES, N_HORIZONTAL, N_INPUTS, N_JUDGES, N_REGIMES, N_SEEN, N_VERTICAL, N_VIEW, SingleGame,
  clamp} from "./single.js";

export const WEB_FORMAT = "pong_model.web/1";

const f = Math.fround;
const STILL = 1e-5;                     // a court whose scale is predicted as well as this does not walk
const NEEDED = ["config", "game", "serve", "parts"];

// -------------------------------------------------------------------------------- reading a model

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

/** FNV-1a, 32 bits, of the UTF-8 bytes of `canonical(value)`: finds what was cut short or changed, not forged. */
export function checksum(value) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(canonical(value))) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** The bytes that a base64 text stands for; none if it is no such text. */
function bytesOf(text) {
  try { return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)); } catch { return new Uint8Array(0); }
}

/** All parts of a model by name, as float64 numbers; each says its shape. */
function unpack({parts, float32, float64}) {
  const stores = {float32: new DataView(bytesOf(float32).buffer), float64: new DataView(bytesOf(float64).buffer)};
  const at = {float32: 0, float64: 0}, width = {float32: 4, float64: 8}, unpacked = {};
  for (const [name, kind, shape] of parts) {
    const n = shape.reduce((a, b) => a * b, 1), store = stores[kind], begin = at[kind];
    at[kind] += n * width[kind];
    demand(at[kind] <= store.byteLength, `model, weights ${name}`, "too few numbers", `${n}, as its shape says`);
    const numbers = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      numbers[i] = kind === "float32" ? store.getFloat32(begin + 4 * i, true) : store.getFloat64(begin + 8 * i, true);
    }
    unpacked[name] = Object.assign(numbers, {shape});
  }
  for (const [kind, {byteLength}] of Object.entries(stores)) {
    demand(at[kind] === byteLength, `model, ${kind} weights`, `${byteLength} bytes`, `${at[kind]} bytes`);
  }
  return unpacked;
}

/** Read a model from what `browser.web_model` made, an object or its JSON; throws one line that says what is wrong. */
export function readModel(json) {
  const told = typeof json === "string" ? parsed(json) : json;
  demand(told?.format === WEB_FORMAT, "model, format", told?.format, WEB_FORMAT);
  const {checksum: promised, ...rest} = told, sum = checksum(rest);
  demand(sum === promised, "model, checksum", sum, `${promised} (the file was cut short or changed)`);
  const {name, config, game, memory, carries_on: carriesOn, serve} = told, lacking = NEEDED.filter((key) => !told[key]);
  demand(lacking.length === 0, "model", `no ${lacking.join(", ")}`, "what web_model makes");
  demand(Object.hasOwn(GATES, memory), "model, memory", memory,
    "gru, lstm or none: other models are played from the kernel");
  const p = unpack(told), part = (what, ...shape) => partOf(p, what, shape);
  const H = config.hidden_size, watches = !config.velocities;
  return {name, config, game, memory, carriesOn, watches, hiddenSize: H,
    layers: layersOf(memory, config, part),
    standardise: scaleOf(part, "standardise", N_INPUTS), paddleScale: scaleOf(part, "paddle_scale", 4),
    matchScale: scaleOf(part, "match_scale", 2),
    judges: Array.from({length: N_JUDGES}, (_, j) => judgeOf(part, j, config)),
    paddleEvents: deciderOf(part, "paddle_events", 4, N_REGIMES), matchEvents: deciderOf(part, "match_events", 2, 1),
    ballLaw: ballLawOf(part), paddleLaw: expertsOf(part, "paddle_law", N_REGIMES, 2, 4),
    pointsLaw: expertsOf(part, "points_law", 2, 2, 2 + N_HORIZONTAL),
    scaleLaw: expertsOf(part, "scale_law", 1, 1, 1)[0],
    matchesEnd: part("matches_end")[0] > 0, ballsSeen: part("balls_seen", 65),
    scaleRange: part("scale_range", 2), scaleSpread: part("scale_spread")[0],
    serve: {bins: serve.bins, groups: serve.groups, low: part("serve.low", 2), high: part("serve.high", 2),
      xCounts: part("serve.x_counts", serve.bins), yCounts: part("serve.y_counts", serve.groups, serve.bins)}};
}

/** An object from JSON text. */
function parsed(text) {
  try { return JSON.parse(text); } catch { return demand(false, "model", "broken JSON (cut short?)", "a whole file"); }
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
  const m = GATES[memory] * H, own = (what, ...shape) => part(`rnn.${what}`, ...shape);
  const side = (name, l, n) => mapOf(own(`weight_${name}_l${l}`, m, n), own(`bias_${name}_l${l}`, m), m, n);
  return Array.from({length: memory === "none" ? 0 : layers}, (_, layer) => ({
    ih: side("ih", layer, layer ? H : N_INPUTS), hh: side("hh", layer, H), kept: new Float64Array(H)}));
}

/** The networks of a decider, and its room to work in: `room` = [steps | inputs | word], `last` = [net | passed]. */
function networkOf(planes, gain, first, second, out, n, nMemory = 0) {
  const P = gain.length, S = second.bias.length;
  const room = new Float64Array(P + n + nMemory), last = new Float64Array(S + n);
  return {planes, gain, first, second, out, room, last, steps: room.subarray(0, P), inputs: room.subarray(P, P + n),
    word: room.subarray(P + n), between: new Float64Array(S), net: last.subarray(0, S), passed: last.subarray(S)};
}
function deciderOf(part, name, n, nOut) {
  const linear = (which, m, nIn) => linearOf(part, `${name}.${which}`, m, nIn);
  return networkOf(linear("planes.linear", 16, n), part(`${name}.planes.gain`, 16), linear("net.0", 16, 16 + n),
    linear("net.2", 16, 16), linear("out", nOut, 16 + n), n);
}
function judgeOf(part, j, {planes: P, head_size: S, hidden_size: H}) {
  const J = N_JUDGES, n = N_SEEN, all = P + n + H;
  const own = (name, m, ...shape) => part(`judges.${name}`, J, m, ...shape);
  const map = (weight, bias, m, nIn) => mapOf(own(weight, m, nIn), own(bias, m), m, nIn, j);
  const mean = own("mean", n).subarray(j * n, (j + 1) * n), gain = own("gain", P).subarray(j * P, (j + 1) * P);
  const white = {weight: own("white", n, n).subarray(j * n * n, (j + 1) * n * n), bias: new Float64Array(n)};
  return {mean, white, ...networkOf(map("planes", "place", P, n), gain, map("first", "first_bias", S, all),
    map("second", "second_bias", S, S), map("out", "out_bias", 1, S + n), n, H)};
}
function ballLawOf(part) {
  const C = N_HORIZONTAL, lines = part("ball_law.speed.lines", C, 2, 2);
  return {slope: expertsOf(part, "ball_law.slope", C, 1, N_VIEW), along: expertsOf(part, "ball_law.along", C, 1, 7),
    across: expertsOf(part, "ball_law.across", C, 1, 11), wall: expertsOf(part, "ball_law.wall", N_VERTICAL, 2, 3),
    lines: Array.from({length: C}, (_, c) => lines.subarray(4 * c, 4 * (c + 1))),       // two of (a, b) for each class
    side: part("ball_law.speed.side", C), turns: part("ball_law.turns", C),
    edges: part("ball_law.edges", 2, 2, 2), orderMatters: part("ball_law.order_matters")[0] > 0};
}

// -------------------------------------------------------------------------------- serves

/** A place on an axis of bins, by the inverse of the distribution function; temperature 0: the median. */
function drawBin(counts, u, temperature) {
  const power = 1 / Math.max(temperature, 1e-3), bins = counts.length;
  const masses = Array.from(counts, (n) => (n > 0 ? (temperature ? n ** power : n) : 0) + 1e-12);
  const total = masses.reduce((a, b) => a + b), upto = [];
  masses.reduce((sum, mass, k) => upto[k] = sum + mass / total, 0);
  const sought = temperature ? u : 0.5, found = upto.findIndex((share) => share >= sought);
  const k = found < 0 ? bins - 1 : found, below = k ? upto[k - 1] : 0;
  return f(clamp(k + (sought - below) / (upto[k] - below), 0, bins - 1e-3));
}

/** A served velocity, [vx, vy], for two uniform random numbers. */
function sampleServe({bins, groups, low, high, xCounts, yCounts}, u, temperature) {
  const x = drawBin(xCounts, u[0], temperature);
  const group = clamp(Math.floor(Math.trunc(x) * groups / bins), 0, groups - 1);
  const y = drawBin(yCounts.subarray(group * bins, (group + 1) * bins), u[1], temperature);
  return [x, y].map((place, i) => f(low[i] + f(f(place * f(high[i] - low[i])) / bins)));
}

/** How many balls a game has, drawn by `u` as they were seen; 1 if none ever were. */
function drawCount(ballsSeen, u) {
  const total = ballsSeen.reduce((a, b) => a + b);
  let upto = 0;
  const found = ballsSeen.findIndex((games) => (upto += games) / total > u);
  return total === 0 ? 1 : found < 0 ? ballsSeen.length - 1 : found;
}

// -------------------------------------------------------------------------------- the engine

/**
 * Pong as a model believes it to be: one game, with a memory carried from tick to tick. Options: `eventTemperature`
 * (0: the most likely event), `serveTemperature` (1: the learned distribution, 0: its median), `nBalls` (by default as
 * in training), `ballCount` ("game": all of `nBalls`; "model": drawn anew for each game, as they were seen).
 */
export class FuzzyEngine {
  constructor(model, seed = 0, options = {}) {
    const {eventTemperature = 0, serveTemperature = 1, ballCount = "game"} = options;
    const {nBalls = model.game.config.n_balls} = options;
    demand(Number.isInteger(nBalls) && nBalls >= 1 && nBalls <= 64, "nBalls", nBalls, "a whole number from 1 to 64");
    demand(["game", "model"].includes(ballCount), "ballCount", ballCount, "game or model");
    this.kind = "learned";
    Object.assign(this, {model, nBalls, ballCount, eventTemperature, serveTemperature});
    this.game = {config: {...model.game.config, n_balls: nBalls}, rules: {...model.game.rules, n_balls: nBalls}};
    this.unit = model.watches ? this.game.config.tick_rate : 1;      // one of the model's speeds in heights a second
    this.single = new SingleGame(model, nBalls);
    this.reset(seed);
  }

  get eventTemperature() { return this._eventTemperature; }
  set eventTemperature(value) { this._eventTemperature = checkTemperature("eventTemperature", value); }
  get serveTemperature() { return this._serveTemperature; }
  set serveTemperature(value) { this._serveTemperature = checkTemperature("serveTemperature", value); }

  /** Begin anew with a serve; returns the first state. */
  reset(seed) {
    [this.seed, this.ticks, this.court] = [halvesOf(seed), 0, null];
    const scale = this.game.config.court_scale;
    this.state = this._beforeServe(scale);
    this.single.begin();
    const serve = (_, vertical, k) => this._isThere(k) ? [SERVED, vertical(0)] : [NOTHING, NOTHING];
    const first = this._tick(this._seen(this.state), [0, 0], this._expected(scale), serve);
    first.fill(0, 0, COURT_SCALE);
    first[COURT_SCALE] = scale;
    this.single.begin();
    this.ticks = 1;
    return this.state = first;
  }

  /** One tick; returns the new state, an array of its own. Throws if the model has lost the game. */
  step(left, right) {
    const actions = checkActions(left, right), temperature = this.eventTemperature;
    const draw = (choice, k, i) => choice(temperature, temperature ? this._random(k, i) : 0);
    const events = (horizontal, vertical, k) =>
      this._isThere(k) ? [draw(horizontal, k, 0), draw(vertical, k, 1)] : [NOTHING, NOTHING];
    this.state = this._tick(this._seen(this.state), actions, this._nextScale(), events);
    this.ticks += 1;
    this.court = null;
    return this.state;
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
    this.single.begin();
    if (this.model.watches && rows.length === 1) this._witnessBefore(rows[0]);
    else taken.forEach((action, t) => this.single.witness(this._seen(rows[t]), action));
    this.court = null;
    return this.state = rows.at(-1);
  }

  /** Everything the future depends on. */
  snapshot() {
    const {state, seed, ticks, court} = this;
    return {state: state.slice(), seed, ticks, court, memory: this.memory()};
  }

  restore({state, seed, ticks, court, memory}) {
    Object.assign(this, {state: state.slice(), seed, ticks, court});
    this.setMemory(memory);
    return this.state;
  }

  /** A copy of the memory: for each ball its layers' vectors (each H numbers) and its lane (5 numbers). */
  memory() { return this.single.memory; }
  setMemory(memory) { this.single.memory = memory; }

  /** Add `amount * direction` to ball k's memory: H numbers to its last layer, or 5 to its lane. */
  pushMemory(k, direction, amount) { this.single.push(k, direction, amount); }

  _isThere(k) { return this.state[GAME_SIZE + k * BALL_SIZE + PRESENT] > 0.5; }

  /** Random number `i` of 5 of ball k in this tick. */
  _random(k, i) { return asUnit(randomBits(this.seed, (this.ticks * 5 * this.nBalls + 5 * k + i) % 2 ** 32)); }

  /** Show a model that sees places only the tick before a lone state, as its velocities say; a serve it knows as it is. */
  _witnessBefore(state) {
    const before = state.slice();
    for (let at = GAME_SIZE; at < before.length; at += BALL_SIZE) {
      for (const [place, speed] of [[X, VX], [Y, VY]]) before[at + place] -= f(before[at + speed] / this.unit);
      before.fill(0, at + HORIZONTAL_FLAGS, at + BALL_SIZE);
    }
    this.single.witness(this._seen(before), [0, 0]);
    for (let k = 0; k < this.nBalls; k++) {
      if (state[GAME_SIZE + k * BALL_SIZE + HORIZONTAL_FLAGS - 1 + SERVED] > 0.5) this.single.forget(k);
    }
  }

  /** A state as if a point had just been made. */
  _beforeServe(scale) {
    const state = new Float32Array(GAME_SIZE + this.nBalls * BALL_SIZE);
    const count = this.ballCount === "model" ? drawCount(this.model.ballsSeen, this._random(0, 0)) : this.nBalls;
    state[COURT_SCALE] = scale;
    for (let at = GAME_SIZE; at < Math.min(GAME_SIZE + count * BALL_SIZE, state.length); at += BALL_SIZE) {
      state[at + PRESENT] = state[at + HORIZONTAL_FLAGS - 1 + RIGHT_SCORED] = 1;
    }
    return state;
  }

  /** The model's tick as others see it: serves drawn, speeds in court heights per second. */
  _tick(state, actions, scale, events) {
    const [fresh, served] = this.single.tick(state, actions, scale, events), {unit} = this;
    served.forEach((isServed, k) => {
      if (!isServed) return;
      const serve = sampleServe(this.model.serve, [this._random(k, 2), this._random(k, 3)], this.serveTemperature);
      fresh.set(serve.map((v) => f(unit * v) / unit), GAME_SIZE + k * BALL_SIZE + VX);
    });
    return checkAlive(this._told(fresh, served));
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

  /** A state as the model is given it: one without velocities looks at a serve's only, which it drew itself. */
  _seen(state) {
    const seen = Float32Array.from(state);
    for (let at = GAME_SIZE; at < seen.length; at += BALL_SIZE) {
      seen[at + VX] /= this.unit;
      seen[at + VY] /= this.unit;
    }
    return seen;
  }

  /** A state as others are given it: where the model knows no velocities, they are differences of its positions. */
  _told(fresh, served) {
    if (!this.model.watches) return fresh;
    const {state, unit} = this, speed = (i) => unit * f(fresh[i] - state[i]);
    served.forEach((isServed, k) => {
      const at = GAME_SIZE + k * BALL_SIZE;
      fresh[at + VX] = isServed ? unit * fresh[at + VX] : speed(at + X);
      fresh[at + VY] = isServed ? unit * fresh[at + VY] : speed(at + Y);
    });
    for (const y of [LEFT_Y, RIGHT_Y]) fresh[y + 1] = speed(y);
    return fresh;
  }
}

function checkTemperature(name, value) {
  demand(value >= 0 && value <= 100, name, value, "a number from 0 to 100");
  return value;
}

/** The state, if all of it is numbers; throws in words for a player if not. */
function checkAlive(state) {
  const i = state.findIndex((x) => !Number.isFinite(x));
  const what = i < GAME_SIZE ? "a paddle or the score" : `ball ${1 + Math.floor((i - GAME_SIZE) / BALL_SIZE)}`;
  if (i >= 0) throw new Error(`the learned game is lost: ${what} is beyond all numbers; start it again`);
  return state;
}
