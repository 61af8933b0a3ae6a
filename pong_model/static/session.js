/** One game in real time, without a screen: seconds and keys go in, states to show come out. The twin of play.py. */
import {
  LEFT_Y, RIGHT_Y, LEFT_POINTS, RIGHT_POINTS, MATCH_OVER, COURT_SCALE, GAME_SIZE, BALL_SIZE, PRESENT, X, Y, VX, VY,
  HIT_LEFT, HIT_RIGHT, LEFT_SCORED, RIGHT_SCORED, SERVED, MAX_SPEED, SCALE_LIMITS, ExactEngine, eventsOf,
} from "./rules.js";

export const LEFT_SIDE = 0;
export const RIGHT_SIDE = 1;
/** key -> [side, direction]; -1 is up. Whoever plays alone may use all of them. */
export const MOVE_KEYS = {
  q: [LEFT_SIDE, -1], a: [LEFT_SIDE, 1], w: [LEFT_SIDE, -1], s: [LEFT_SIDE, 1],
  up: [RIGHT_SIDE, -1], down: [RIGHT_SIDE, 1],
};
export const SHOWS = ["exact", "learned", "both"];
export const PAUSE_KEYS = ["space", "p"];
export const RESET_KEYS = ["n"];
export const SWAP_KEYS = ["x"];
export const GHOST_KEYS = ["g"];
/** Seconds that a paddle lights up after a hit. */
export const FLASH_SECONDS = 0.12;
/** How a replay file begins. */
export const REPLAY_FORMAT = "pong_model.replay/1";
const HORIZONTAL_NAMES = ["nothing", "hit_left", "hit_right", "left_scored", "right_scored", "served"];
const VERTICAL_NAMES = ["nothing", "top", "bottom"];
/** Ticks of the past that warm a model's memory when it takes a game over. */
const HISTORY_TICKS = 180;
/** Shares of a tick: what must be over before a key may hurry the next one; how far a person's paddle is ahead. */
const HURRIED = 0.5;
const LEAD = 0.25;
/** Seconds of play for which an error stays to be read: a false goal serves the ball anew, and its ghost with it. */
const HELD_SECONDS = 2;
/** Seconds that a notice stays, and after which a game whose balls have all left the court is over. */
const NOTICE_SECONDS = 5;
const EMPTY_SECONDS = 1;
/** A ball further out than this (court heights) has left the court. */
const OUTSIDE = 0.05;

/** Where the slot of ball k begins in a state. */
export function slotOf(k) { return GAME_SIZE + k * BALL_SIZE; }

/** How many balls a state has room for. */
export function ballsIn(state) { return (state.length - GAME_SIZE) / BALL_SIZE; }

/** Did ball k not move from one state to the next but was put there: served, gone or come? */
export function hasJumped(before, now, k) {
  const [was] = eventsOf(before, k);
  const [is] = eventsOf(now, k);
  const at = slotOf(k);
  return is === SERVED || was === LEFT_SCORED || was === RIGHT_SCORED || before[at + PRESENT] !== now[at + PRESENT];
}

/** The state to show between two ticks, `share` (0 to 1) of the way; a ball that jumps waits where it was. */
export function interpolate(before, now, share) {
  const out = now.slice();
  for (const i of [LEFT_Y, RIGHT_Y, COURT_SCALE]) out[i] = before[i] + share * (now[i] - before[i]);
  for (let k = 0; k < ballsIn(now); k++) {
    const part = hasJumped(before, now, k) ? 0 : share;
    for (const i of [slotOf(k) + X, slotOf(k) + Y]) out[i] = before[i] + part * (now[i] - before[i]);
  }
  return out;
}

/** Can the exact rules go on from this state? A learned game may claim a ball without a place. */
export function isPlayable(state) {
  if (!state.every(Number.isFinite)) return false;
  const scale = state[COURT_SCALE];
  if (scale < SCALE_LIMITS[0] || scale > SCALE_LIMITS[1]) return false;
  for (let k = 0; k < ballsIn(state); k++) {
    if (Math.max(Math.abs(state[slotOf(k) + VX]), Math.abs(state[slotOf(k) + VY])) > MAX_SPEED) return false;
  }
  return true;
}

/** Has every ball of this state left the court, further than to the place where it scores? */
export function isEmpty(state, radius) {
  const [far, high] = [state[COURT_SCALE] + radius + OUTSIDE, 0.5 * state[COURT_SCALE] + OUTSIDE];
  const balls = Array.from({length: ballsIn(state)}, (_, k) => slotOf(k)).filter((at) => state[at + PRESENT] > 0.5);
  return balls.length > 0 && balls.every((at) => Math.abs(state[at + X]) > far || Math.abs(state[at + Y]) > high);
}

/** The same game with so many balls. */
export function withBalls(game, count) {
  return {...game, config: {...game.config, n_balls: count}, rules: {...game.rules, n_balls: count}};
}

/** The same game in a court that does not walk by itself: for a ghost, whose court is the one that it haunts. */
function inStillCourt(game) {
  return {...game, config: {...game.config, court_scale_walk: 0}, rules: {...game.rules, scale_step: 0}};
}

/**
 * The state to show at `share` of the last tick, of three states in a row. Less than 0: that tick was hurried, and what
 * is seen is still on its way through the tick before it; points and ends are known at once.
 */
function onItsWay([earlier, before, now], share) {
  if (share >= 0) return interpolate(before, now, share);
  const out = interpolate(earlier, before, 1 + share);
  for (const i of [LEFT_POINTS, RIGHT_POINTS, MATCH_OVER]) out[i] = now[i];
  return out;
}

/** The exact engine in lockstep with another, from each serve on. */
export class Ghost {
  constructor(game) {
    this.engine = new ExactEngine(inStillCourt(game));
    this.diameter = 2 * game.config.ball_radius;
    this.earlier = this.before = this.now = null;
  }

  /**
   * One tick: take over `state` where a ball is served in it, else play on by the rules; `before` and `earlier`: what
   * was seen a tick and two ticks ago.
   */
  follow(state, left = null, right = null, before = state, earlier = before) {
    const served = Array.from({length: ballsIn(state)}, (_, k) => eventsOf(state, k)[0]).includes(SERVED);
    if (served || left === null) this.takeOver(state, before, earlier);
    else if (this.now !== null && Number.isFinite(state[COURT_SCALE])) this.play(state[COURT_SCALE], left, right);
  }

  /** Stand on the balls of `state`; up to there it is seen where they are seen, so none appears before its ball. */
  takeOver(state, before, earlier) {
    this.now = isPlayable(state) ? this.engine.load(state) : null;
    [this.earlier, this.before] = [earlier, before];
  }

  /** One tick by the rules, in a court of this size; a ball that scored is of no more use. */
  play(scale, left, right) {
    if (this.now[COURT_SCALE] !== scale) this.resize(scale);
    const now = this.engine.step(left, right).slice();
    for (let k = 0; k < ballsIn(now); k++) {
      const isGone = this.now[slotOf(k) + PRESENT] < 0.5 || hasJumped(this.now, now, k);
      if (isGone) now[slotOf(k) + PRESENT] = 0;
    }
    [this.earlier, this.before, this.now] = [this.before, this.now, now];
  }

  /** Put the ghost's game into a court of this size: walls, paddles and lines push its balls, as in the rules. */
  resize(scale) {
    const state = this.engine.state.slice();
    const {radius, paddle_width: paddle} = this.engine.rules;
    const face = (size) => Math.fround(Math.fround(size - paddle) - radius);
    const [wall, line] = [Math.fround(Math.fround(0.5 * scale) - radius), Math.fround(scale + radius)];
    const before = state[COURT_SCALE];
    const within = (place, limit) => Math.min(Math.max(place, -limit), limit);
    state[COURT_SCALE] = scale;
    for (let at = slotOf(0); at < state.length; at += BALL_SIZE) {
      state[at + X] = within(state[at + X], Math.abs(state[at + X]) <= face(before) ? face(scale) : line);
      state[at + Y] = within(state[at + Y], wall);
    }
    this.engine.load(state);
  }

  /** The state to show at `share` of the last tick, or null. */
  shown(share) { return this.now && onItsWay([this.earlier, this.before, this.now], share); }

  /** The largest distance between a ball of `state` and its ghost, in ball diameters; NaN if there is none. */
  error(state) {
    let largest = NaN;
    for (let k = 0; this.now !== null && k < ballsIn(state); k++) {
      const at = slotOf(k);
      if (state[at + PRESENT] < 0.5 || this.now[at + PRESENT] < 0.5) continue;
      const distance = Math.hypot(state[at + X] - this.now[at + X], state[at + Y] - this.now[at + Y]) / this.diameter;
      if (!(distance <= largest)) largest = distance;
    }
    return largest;
  }
}

/** The largest error (ball diameters) of the last seconds of play, so that it can be read. A pause does not age it. */
export class HeldError {
  constructor() { this.clear(); }

  clear() { [this.noted, this.largest] = [[], NaN]; }

  /** The error after so many seconds of play, NaN: no ghost to be seen. Less than before: another game, a beginning. */
  note(seconds, error) {
    this.noted = this.noted.filter(([then]) => then <= seconds && then + HELD_SECONDS - seconds > 1e-6);
    if (!Number.isNaN(error)) this.noted.push([seconds, error]);
    this.largest = Number.isNaN(error) ? NaN : Math.max(...this.noted.map(([, one]) => one));
  }

  get text() {
    const {largest} = this;
    if (Number.isNaN(largest)) return "the exact ball has scored";
    const said = largest < 0.0005 ? "under 0.001" : largest < 99.95 ? largest.toFixed(largest < 1 ? 3 : 1) : "over 99";
    return `${said} ball diameters from the rules (most in ${HELD_SECONDS} s)`;
  }
}

/** One game in real time: `left` and `right` are players (see players.js), null being a person. */
export class Session {
  /**
   * exact, learned: engines, one of which may be null. shows: "exact", "learned" or "both" (learned, with its ghost).
   * target: points that end the game, beside the engine's own match (null: none). backlog: seconds made up for.
   */
  constructor({
    exact = null, learned = null, shows = learned ? "learned" : "exact", left = null, right = null, tickRate = null,
    ghost = false, speed = 1, seed = 0, target = null, backlog = null,
  }) {
    if (!exact && !learned) throw Error("session: got no engine, accepts an exact or a learned one, or both");
    this.exact = exact;
    this.learned = learned;
    this.nBalls = (learned || exact).nBalls;
    this.game = withBalls((learned || exact).game, this.nBalls);
    this.config = this.game.config;
    this.dt = 1 / (tickRate || this.config.tick_rate);
    this.backlog = backlog === null ? Math.max(0.1, 2 * this.dt) : backlog;
    this.players = [left, right];
    this.wantsGhost = ghost;
    this.speed = speed;
    this.target = target;
    this.listeners = [];
    this.held = new Set();
    this.tapped = new Set();
    this.pointers = [null, null];
    this.paused = false;
    this.shows = this.possible(shows);
    this.ghost = new Ghost(this.game);
    this.heldError = new HeldError();
    this.reset(seed);
  }

  /** Which engine plays. */
  get engine() { return this.shows === "exact" ? this.exact : this.learned; }
  /** "exact" or "learned". */
  get kind() { return this.shows === "exact" ? "exact" : "learned"; }
  /** Is the exact engine's ball to be seen beside the learned one's? */
  get hasGhost() { return this.shows === "both" || (this.wantsGhost && this.shows === "learned"); }
  /** The sides that persons play. */
  get humans() { return [LEFT_SIDE, RIGHT_SIDE].filter((side) => this.players[side] === null); }
  /** Points, left and right. */
  get scores() { return [LEFT_POINTS, RIGHT_POINTS].map((i) => Math.round(this.state[i]) || 0); }
  /** Seconds of play so far, at normal speed. */
  get seconds() { return this.ticks * this.dt; }
  /** The ghost's state to show now, or null. */
  get ghostState() { return this.hasGhost ? this.ghost.shown(this.share) : null; }
  /** How far the ball is from the exact engine's, in ball diameters; NaN without a ghost. */
  get error() { return this.hasGhost ? this.ghost.error(this.state) : NaN; }
  /** The line about it, for the largest of the last seconds; empty without a ghost. */
  get errorText() { return this.hasGhost ? this.heldError.text : ""; }
  /** What plays: a line that every view shows. */
  get status() { return `${this.kind} engine${this.hasGhost ? ", with the exact one's ball" : ""}`; }
  /** A line for a few seconds about what was asked for and cannot be; else empty. */
  get notice() { return this.noticeLeft > 0 ? this.noticeText : ""; }
  /** What to show large: what went wrong, the end of a match, a pause, or nothing. */
  get message() { return this.failure || this.result || (this.paused ? this.pauseText : ""); }
  get pauseText() { return this.ticks === 0 ? "press Space, or tap, to play" : "paused"; }
  /** The keys. */
  get hint() {
    const move = ["", "Q/A or arrow keys move your paddle · ", "Q/A left, arrow keys right · "][this.humans.length];
    return `${move}Space pause · N new game`;
  }

  /** How far the picture is on its way between the last two ticks, 0 to 1; less than 0: through the one before. */
  get share() { return this.waiting / this.dt; }

  /**
   * The state to show now, on its way between the last two ticks. For a picture, paddles of persons are a little ahead,
   * so that the tick of a key is seen as it begins: also a hurried one, for which nothing else hurries.
   */
  shown(isForPicture = false) {
    const out = onItsWay([this.earlier, this.before, this.state], this.share);
    const share = Math.min(1, Math.max(0, this.share) + LEAD);
    for (const side of isForPicture ? this.humans : []) {
      const at = side === LEFT_SIDE ? LEFT_Y : RIGHT_Y;
      out[at] = this.before[at] + share * (this.state[at] - this.before[at]);
    }
    return out;
  }

  /** What can be shown of what was asked for: the other engine where one is missing. */
  possible(shows) {
    if (!SHOWS.includes(shows)) throw Error(`shows: got ${shows}, accepts ${SHOWS.join(", ")}`);
    if (!this.learned) return "exact";
    return !this.exact && shows === "exact" ? "learned" : shows;
  }

  /** Begin a game from `seed`; without one, the same game again. Both engines do, so that a swap finds the same one. */
  reset(seed = this.seed) {
    this.seed = seed;
    for (const engine of [this.exact, this.learned]) if (engine) engine.reset(seed);
    this.begin(this.engine.state);
    this.tell({kind: "reset", ball: -1});
  }

  /** Go on from `state` as from a beginning: whatever became of the game before it is forgotten. */
  load(state) { this.begin(this.engine.load(state)); }

  /** Nothing has happened yet but this state. A pause stays a pause. */
  begin(state) {
    this.earlier = this.before = this.state = state;
    this.failure = this.result = "";
    this.say("");
    for (const player of this.players) if (player) player.reset(this.seed);
    [this.ticks, this.waiting, this.emptyTicks] = [0, 0, 0];
    this.flash = [0, 0];
    this.actions = [];
    this.swaps = [[0, this.kind]];
    this.forgetPast();
    this.ghost.follow(this.state);
    this.forgetErrors();
  }

  /** Begin the next game, with other serves, and play. */
  restart() {
    this.reset(this.seed + 1);
    this.paused = false;
  }

  /** The ghost stands on the ball again, and what became of another one does not matter. */
  forgetErrors() {
    this.heldError.clear();
    this.noteError();
  }

  noteError() { this.heldError.note(this.seconds, this.ghost.error(this.state)); }

  forgetPast() {
    this.past = [this.state];
    this.pastActions = [];
  }

  pause() { this.paused = true; }

  /** Play on; after a game that reached its target, or got lost, a new one begins. */
  resume() {
    if (this.failure || this.reachedTarget) return this.restart();
    this.result = "";
    this.paused = false;
    return undefined;
  }

  get reachedTarget() { return this.target !== null && Math.max(...this.scores) >= this.target; }

  /** Change what is shown in mid-rally: the situation carries over to the other engine, or a line says why not. */
  show(shows) {
    const before = this.shows;
    this.shows = this.possible(shows);
    if ((this.shows === "exact") === (before === "exact")) return;
    try { this.handOver(); } catch (error) {
      this.shows = before;
      this.say(`no swap: ${error.message}`);
    }
  }

  /** The engine that `shows` asks for takes the situation over; throws if it cannot. A lost game goes on in it. */
  handOver() {
    if (this.kind === "exact") this.exact.load(this.state);
    else this.learned.load(this.past, this.pastActions);
    if (this.failure) [this.failure, this.paused, this.emptyTicks] = ["", false, 0];
    this.say("");
    this.swaps.push([this.ticks, this.kind]);
    this.ghost.follow(this.state, null, null, this.before, this.earlier);
    this.forgetErrors();
    this.tell({kind: `now ${this.kind}`, ball: -1});
  }

  /** The other engine, in mid-rally. */
  swap() {
    if (!this.exact || !this.learned) { this.say("no swap: there is only one engine"); return; }
    if (this.kind === "learned") {
      this.shownBefore = this.shows;
      this.show("exact");
    } else this.show(this.shownBefore || "learned");
  }

  /** Say something for a few seconds, where the person looks. */
  say(text) { [this.noticeText, this.noticeLeft] = [text, NOTICE_SECONDS]; }

  /** Follow the game with the exact engine's ball, or not. */
  setGhost(isWanted) {
    this.wantsGhost = isWanted;
    if (this.shows === "both" && !isWanted) this.shows = "learned";
  }

  /** Other players, from now on; null is a person. */
  setPlayers(left, right) {
    this.players = [left, right];
    this.release();
    this.pointers = [null, null];
  }

  /** A key went down or came up: small letters, `up`, `down`, `space`. Returns whether the key means something. */
  key(name, down = true) {
    if (name in MOVE_KEYS) {
      if (down && this.paused && this.ticks === 0 && !this.failure) this.resume();
      if (down) { this.held.add(name); this.tapped.add(name); } else this.held.delete(name);
      return true;
    }
    const acts = [[PAUSE_KEYS, () => (this.paused ? this.resume() : this.pause())], [RESET_KEYS, () => this.restart()],
      [SWAP_KEYS, () => this.swap()], [GHOST_KEYS, () => this.setGhost(!this.hasGhost)]];
    const [, act] = acts.find(([names]) => names.includes(name)) || [];
    if (down && act) act();
    return act !== undefined;
  }

  /** All keys came up: the page lost its keyboard. */
  release() { this.held.clear(); }

  /** A finger asks for the paddle of `side` to be at `y` (court heights); null: it left. */
  point(side, y) { this.pointers[side] = y; }

  /** Where the keys of some sides point: -1 up, 1 down or 0. */
  direction(sides) {
    let sum = 0;
    for (const name of new Set([...this.held, ...this.tapped])) {
      const [side, way] = MOVE_KEYS[name];
      if (sides.includes(side)) sum += way;
    }
    return Math.max(-1, Math.min(1, sum));
  }

  /** What a person asks for: by keys, or by a finger that the paddle follows. */
  wish(side) {
    const keys = this.direction(this.humans.length > 1 ? [side] : [LEFT_SIDE, RIGHT_SIDE]);
    const y = this.pointers[side];
    if (keys !== 0 || y === null) return keys;
    const step = this.config.paddle_speed / this.config.tick_rate;
    const away = step > 0 ? (y - this.state[side === LEFT_SIDE ? LEFT_Y : RIGHT_Y]) / step : 0;
    return Math.max(-1, Math.min(1, away || 0));
  }

  /**
   * Let seconds pass; returns how many ticks were played. The end of a person's match pauses the game. For a picture,
   * a key that still waits for its tick gets it now.
   */
  advance(seconds, isForPicture = false) {
    if (!(seconds >= 0 && Number.isFinite(seconds))) throw Error(`seconds: got ${seconds}, accepts 0 or more`);
    this.noticeLeft = Math.max(0, this.noticeLeft - seconds);
    if (this.paused || this.failure) return 0;
    const ticks = this.ticks;
    this.waiting = Math.min(this.waiting + seconds * this.speed, this.backlog * Math.max(1, this.speed));
    this.flash = this.flash.map((left) => Math.max(0, left - seconds));
    const isDue = (share) => this.waiting >= share * this.dt && !this.paused && !this.failure;
    while (isDue(1) || (isForPicture && this.tapped.size > 0 && isDue(HURRIED))) {
      this.waiting -= this.dt;                             // less than none: the ticks to come do so when they would
      this.tick();
    }
    return this.ticks - ticks;
  }

  /** Ask both sides, play one tick, note what happened. */
  tick() {
    const [left, right] = this.players.map((player, side) => {
      const asked = player === null ? this.wish(side) : player.act(this.state);
      return Math.fround(Math.max(-1, Math.min(1, asked || 0)));
    });
    this.tapped.clear();
    let next;
    try { next = this.engine.step(left, right); } catch (error) { this.lose(error.message); return; }
    if (!next.every(Number.isFinite)) { this.lose("the learned game is lost: its state is not a number"); return; }
    [this.earlier, this.before, this.state] = [this.before, this.state, next];
    this.ticks += 1;
    this.actions.push(left, right);
    this.remember(next, left, right);
    if (this.kind === "learned") {
      this.ghost.follow(next, left, right, this.before, this.earlier);
      this.noteError();
    }
    this.lookAround();
    this.seekBalls();
  }

  /** The game cannot go on: say why, and keep what there is. */
  lose(why) {
    this.failure = why;
    this.paused = true;
    this.tell({kind: "lost", ball: -1});
  }

  /** Keep the last states and what led from one to the next, for an engine that takes over. */
  remember(state, left, right) {
    this.past.push(state);
    this.pastActions.push([left, right]);
    if (this.past.length > 2 * HISTORY_TICKS) {
      this.past = this.past.slice(-HISTORY_TICKS);
      this.pastActions = this.pastActions.slice(1 - HISTORY_TICKS);
    }
  }

  /** A learned game can lose its balls: they fly on with no score, and nobody has anything left to play with. */
  seekBalls() {
    const isLost = this.kind === "learned" && isEmpty(this.state, this.config.ball_radius);
    this.emptyTicks = isLost ? this.emptyTicks + 1 : 0;
    if (this.emptyTicks * this.dt >= EMPTY_SECONDS && !this.failure) {
      this.lose("the learned game is lost: its ball left the court, and nobody scored");
    }
  }

  /** Light up paddles, tell listeners, and end a match. */
  lookAround() {
    for (let k = 0; k < this.nBalls; k++) {
      const [horizontal, vertical] = eventsOf(this.state, k);
      if (horizontal === HIT_LEFT) this.flash[LEFT_SIDE] = FLASH_SECONDS;
      if (horizontal === HIT_RIGHT) this.flash[RIGHT_SIDE] = FLASH_SECONDS;
      if (horizontal) this.tell({kind: HORIZONTAL_NAMES[horizontal], ball: k});
      if (vertical) this.tell({kind: VERTICAL_NAMES[vertical], ball: k});
    }
    if (this.state[MATCH_OVER] > 0.5 || this.reachedTarget) this.end();
  }

  end() {
    const [left, right] = this.scores;
    const winner = left > right ? "left wins" : right > left ? "right wins" : "nobody wins";
    this.result = `${winner} ${left} : ${right}`;
    this.paused = this.reachedTarget || this.humans.length > 0;
    this.tell({kind: "match_over", ball: -1});
    if (this.paused) return;
    this.say(this.result);                                 // machines play on at once
    this.result = "";
  }

  /** Have `callback` called with {kind, ball, tick, scores} at every event; returns a function that ends it. */
  onEvent(callback) {
    this.listeners.push(callback);
    return () => { this.listeners = this.listeners.filter((other) => other !== callback); };
  }

  tell(event) {
    for (const listener of this.listeners) listener({...event, tick: this.ticks, scores: this.scores});
  }

  /** The game so far, for a file: seed, configuration and actions (left, right of each tick, one after the other). */
  replay() {
    return {format: REPLAY_FORMAT, seed: Number(this.seed), config: this.config, actions: this.actions.slice(),
      engine: this.swaps[0][1], swaps: this.swaps.map((swap) => swap.slice())};
  }
}
