/**
 * Players that learned, the twin of `pong_model.agents`: the greedy choice of a policy that sees the state, read from
 * what `agents.web_agent` made in Python.
 */

import {BALL_SIZE, COURT_SCALE, GAME_SIZE, HORIZONTAL_FLAGS, LEFT_Y, PRESENT, RIGHT_Y, SERVED, VX, VY, X, Y,
  demand} from "./rules.js";
import {checksum} from "./model.js";
import {makePlayer} from "./players.js";

export const AGENT_FORMAT = "pong_model.web_agent/1";

const f = Math.fround;
const WIDEST = 10;                             // a normalised input is cut off there
const AT_WALL = f(1e-4);                       // so near to where it must stop, a paddle is at the wall, court heights
const BOUND = 1e6;                             // what infinity is to an agent
const [STAY, UP, DOWN] = [0, 1, 2];
const HEADS = ["continuous", "discrete", "two_part"];
const UNLIKE = ["points_to_win"];              // of two games that an agent cannot tell apart

// -------------------------------------------------------------------------------- reading an agent

/** How many numbers its layers take and give, inputs first, the value last of the outputs. */
function sizesOf({n_balls: balls, action, speeds, hidden_size: hidden, num_layers: layers}) {
  const outputs = action === "continuous" ? 2 : action === "discrete" ? 3 : 3 + 2 * speeds;
  return [3 + 5 * balls, ...Array(layers).fill(hidden), outputs + 1];
}

/** Float32 numbers from base64, of which there must be `n`. */
function numbersOf(text, n) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  demand(bytes.length === 4 * n, "agent, weights", `${bytes.length} bytes`, `${4 * n}, as config says`);
  return new Float32Array(bytes.buffer);
}

/** An object from JSON text. */
function parsed(text) {
  try { return JSON.parse(text); } catch { return demand(false, "agent", "broken JSON (cut short?)", "a whole file"); }
}

/** Read an agent from what `web_agent` made, an object or its JSON; throws one line that says what is wrong. */
export function readAgent(json) {
  const told = typeof json === "string" ? parsed(json) : json;
  demand(told?.format === AGENT_FORMAT, "agent, format", told?.format, AGENT_FORMAT);
  const {checksum: promised, ...rest} = told, sum = checksum(rest);
  demand(sum === promised, "agent, checksum", sum, `${promised} (the file was cut short or changed)`);
  const {name, config, game, float32} = told, lacking = ["config", "float32"].filter((key) => !told[key]);
  demand(lacking.length === 0, "agent", `no ${lacking.join(", ")}`, "what web_agent makes");
  demand(config.observation === "state", "agent, observation", config.observation, "state");
  demand(HEADS.includes(config.action), "agent, action", config.action, HEADS.join(", "));
  const sizes = sizesOf(config), inputs = sizes[0];
  const total = sizes.slice(1).reduce((sum, m, k) => sum + m * (sizes[k] + 1), 2 * inputs);
  const numbers = numbersOf(float32, total);
  demand(numbers.every(Number.isFinite), "agent, weights", "NaN or infinity", "numbers");
  let at = 0;
  const next = (n) => numbers.subarray(at, at += n);
  const [mean, scale] = [next(inputs), next(inputs)];
  return {name, config, game, mean, scale,
    layers: sizes.slice(1).map((m, k) => ({weight: next(m * sizes[k]), bias: next(m)}))};
}

/** Why this agent cannot play a game with this `config`; empty if it can. One that tells no game plays any. */
export function unfit(agent, config) {
  const {n_balls: balls} = agent.config;
  if (balls !== config.n_balls) return `${agent.name} learned to play ${balls} ball${balls > 1 ? "s" : ""}`;
  const odd = Object.keys(agent.game ?? {}).find((key) => !UNLIKE.includes(key) && agent.game[key] !== config[key]);
  return odd ? `${agent.name} learned another game: ${odd} ${agent.game[odd]}, here ${config[odd]}` : "";
}

// -------------------------------------------------------------------------------- thinking

/** y = Wx + b, rectified unless it is the last layer. Rounded and added up in Python's order: `think_in_order`. */
function forward({weight, bias}, x, isLast) {
  const y = Float32Array.from(bias), n = x.length, whole = n - n % 4;
  for (let j = 0; j < y.length; j++) {
    const product = (i) => f(weight[j * n + i] * x[i]);
    for (let i = 0; i < whole; i += 4) {
      y[j] += f(f(f(product(i) + product(i + 1)) + product(i + 2)) + product(i + 3));
    }
    for (let i = whole; i < n; i++) y[j] += product(i);
    if (!isLast && y[j] < 0) y[j] = 0;
  }
  return y;
}

/** What the network says of its inputs: an action's numbers, and the value. */
function think({mean, scale, layers}, inputs) {
  const normal = inputs.map((v, i) => Math.min(Math.max(f(f(v - mean[i]) * scale[i]), -WIDEST), WIDEST));
  return layers.reduce((x, layer, k) => forward(layer, x, k === layers.length - 1), normal);
}

/** Directions that make no sense, as bits; `y`: where the agent sees its paddle. */
function forbidden(y, scale, half) {
  const edge = f(f(f(0.5 * scale) - half) - AT_WALL);
  return (y <= -edge ? 1 << UP : 0) | (y >= edge ? 1 << DOWN : 0);
}

/** The place of the largest of `n` numbers from `at` on, none of those with a bit in `banned`. */
function likeliest(out, at, n, banned = 0) {
  let [best, top] = [0, -Infinity];
  for (let k = 0; k < n; k++) if (!(banned >> k & 1) && out[at + k] > top) [best, top] = [k, out[at + k]];
  return best;
}

/** The speed that an action's numbers mean, -1 to 1. */
function speedOf({action, speeds}, out, banned) {
  if (action === "continuous") return Number.isNaN(out[0]) ? 0 : Math.min(Math.max(out[0], -1), 1);
  const way = likeliest(out, 0, 3, banned);
  if (way === STAY) return 0;
  const share = action === "two_part" ? f((likeliest(out, 3 + (way - 1) * speeds, speeds) + 1) / speeds) : 1;
  return way === UP ? -share : share;
}

// -------------------------------------------------------------------------------- playing

/** A number that a network can be shown. */
function sane(v) { return Number.isNaN(v) ? 0 : Number.isFinite(v) ? v : Math.sign(v) * BOUND; }

/** Was a ball served in this state? */
function isServed(state) {
  for (let flags = GAME_SIZE + HORIZONTAL_FLAGS - 1; flags < state.length; flags += BALL_SIZE) {
    if (state[flags + SERVED] > 0.5) return true;
  }
  return false;
}

/** What `readAgent` read, in one game on `side` (0 left, 1 right). It sees itself on the left. */
export class AgentPlayer {
  constructor(agent, game, side) {
    const {n_balls: balls} = agent.config;
    demand(balls === game.config.n_balls, "agent, balls", balls, `${game.config.n_balls}, as the game has them`);
    [this.agent, this.side, this.half] = [agent, side, f(game.config.paddle_height / 2)];
    this.reset();
  }

  /** Begin anew. There is no chance in it, so no seed matters. */
  reset() { [this.waiting, this.held, this.isFresh] = [0, 0, true]; }

  /** The action, -1 to 1, in this state: decided anew every `skip` ticks, and when a ball is served. */
  act(state) {
    if (this.isFresh || this.waiting <= 0 || isServed(state)) {
      this.held = this.decide(state);
      [this.waiting, this.isFresh] = [this.agent.config.skip, false];
    }
    this.waiting -= 1;
    return this.held;
  }

  /** The greedy choice; upside down where the first ball moves up, if the agent looks so. */
  decide(state) {
    const {agent, side} = this, {config} = agent;
    const way = config.turns && state[GAME_SIZE + VY] < 0 ? -1 : 1, mirror = side ? -1 : 1;
    const [near, far] = side ? [RIGHT_Y, LEFT_Y] : [LEFT_Y, RIGHT_Y];
    const inputs = [way * state[near], way * state[far], state[COURT_SCALE]];
    for (let at = GAME_SIZE; at < state.length; at += BALL_SIZE) {
      inputs.push(state[at + PRESENT], mirror * state[at + X], way * state[at + Y], mirror * state[at + VX],
        way * state[at + VY]);
    }
    const banned = forbidden(way * state[near], state[COURT_SCALE], this.half);
    return f(way * speedOf(config, think(agent, inputs.map(sane)), banned));
  }
}

/** A player by its name: one of `agents` (name: what `readAgent` read), or built-in as in `makePlayer`. */
export function findPlayer(name, game, side, seed, agents = {}) {
  return Object.hasOwn(agents, name) ? new AgentPlayer(agents[name], game, side) : makePlayer(name, game, side, seed);
}
