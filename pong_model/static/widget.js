/** The game in a notebook: in the page, or in a kernel that sends states. One look, one set of keys. */
import {
  GAME_SIZE, BALL_SIZE, COURT_SCALE, LEFT_POINTS, LEFT_Y, RIGHT_POINTS, RIGHT_Y, X, Y, ExactEngine,
} from "./rules.js";
import {FuzzyEngine, readModel} from "./model.js";
import {AgentPlayer, readAgent} from "./agents.js";
import {makePlayer} from "./players.js";
import {
  GHOST_KEYS, MOVE_KEYS, PAUSE_KEYS, RESET_KEYS, SWAP_KEYS, HeldError, Session, ballsIn, hasJumped, slotOf,
} from "./session.js";
import {COLOURS, Court, Keys, Loop, Touch, keyName} from "./court.js";

/** What Python calls an engine, and what a session shows then. */
const SHOWN_AS = {exact: "exact", fuzzy: "learned", both: "both"};
const NAMED_AS = {exact: "exact", learned: "fuzzy", both: "both"};
/** Seconds between two batches of what was recorded. */
const BATCH_SECONDS = 0.25;
/** Seconds between two signs of life from the page to the kernel. */
const ALIVE_SECONDS = 1;
/** Seconds without news after which the page says that the kernel does not answer. */
const SILENT_SECONDS = 1.5;
/** States that may wait to be shown, and how many are kept of too many. */
const MOST_WAITING = 4;
const KEPT_WAITING = 3;
/**
 * A server that gathers small messages (Nagle's algorithm) waits for a word from the page, or 40 ms, before it sends
 * the next ones. So after a key the page says something at these times, in ms, and the answer comes at once.
 */
const PROMPTS = [12, 28, 44];
/** Pushes that follow each other within so many ticks are one, and so often (pictures) is the way ahead worked out. */
const GESTURE_TICKS = 30;
const LOOKED_EVERY = 6;
/** No ways to draw: ahead, and before a push whose gesture began and ended so many ticks ago. */
const NO_PATHS = {now: [], before: [], first: 0, last: 0};
/** The box of a court and its controls; of those, what is pressed, pulled, and chosen from. */
const PANEL = ".pong-panel";
const PRESSED = "button, input[type=checkbox], label:has(input[type=checkbox])";
const PULLED = ".noUi-target";
const CHOSEN = "select";
const GONE = "the kernel is gone";
/** As in Python. */
const NO_GHOST = "no ghost: there is only one engine";
const NO_GHOST_YET = "no ghost: it comes with the learned engine";
const SILENT = "no answer from the kernel\nIs it busy, or was it restarted? Then run the cell again";

/** Court heights by which a paddle moves if somebody moves it; a learned one is never quite at rest. */
export const MOVED = 0.002;

/** How quickly pictures follow each other, and keys: gaps and latencies in ms, from the key's own time stamp on. */
export class Meter {
  constructor() { this.clear(); }

  clear() {
    Object.assign(this, {gaps: [], latencies: [], delays: [], states: 0, missed: 0});
    Object.assign(this, {before: null, pressed: null, tick: -1, heights: null, rests: false, drawn: 0});
  }

  /** A key that moves a paddle went down, at a time stamp. Missed: nothing moved since the last one, or still did. */
  press(at) {
    if (this.pressed || !this.rests) this.missed += 1;
    this.pressed = this.rests ? {at, frames: Number(this.drawn > at)} : null;
  }

  /** A picture was drawn of this state, `tick` of its game. */
  frame(now, state, tick) {
    if (this.before !== null) this.gaps.push(now - this.before);
    this.before = now;
    if (tick !== this.tick) this.states += 1;
    this.tick = tick;
    const heights = [state[LEFT_Y], state[RIGHT_Y]];
    if (this.pressed && this.heights) this.follow(heights);
    this.rests = this.heights !== null && !this.hasMoved(heights);
    this.heights = heights;
    this.drawn = performance.now();
  }

  /** Is this the first picture on which the person's paddle moved? */
  follow(heights) {
    this.pressed.frames += 1;
    if (!this.hasMoved(heights)) return;
    this.latencies.push(performance.now() - this.pressed.at);
    this.delays.push(this.pressed.frames);
    this.pressed = null;
  }

  hasMoved(heights) { return Math.abs(heights[this.side] - this.heights[this.side]) > MOVED; }

  report() {
    const {gaps, latencies, delays, states, missed} = this;
    return {gaps: gaps.slice(), latencies: latencies.slice(), frames_to_picture: delays.slice(), states, missed};
  }
}

/** What a game that stands still says. */
function pauseTextAt(ticks) { return ticks === 0 ? "click to play" : "paused"; }

/** The keys, for so many persons, in a game with a learned engine or without one. */
function keysFor(persons, hasLearned) {
  const move = ["", "Q/A or arrow keys move your paddle · ", "Q/A left, arrow keys right · "][persons];
  return `${move}Space pause · N new game${hasLearned ? " · X other engine · G ghost ball" : ""}`;
}

/** A session in the page whose ticks can be watched. */
class WatchedSession extends Session {
  get pauseText() { return pauseTextAt(this.ticks); }
  get hint() { return this.failure ? "click for a new game" : keysFor(this.humans.length, this.learned !== null); }
  get status() { return this.hasGhost ? `${super.status} · ${this.errorText}` : super.status; }
  /** What went wrong: for good, or for the moment. */
  get words() { return this.failure || this.notice; }

  remember(state, left, right) {
    super.remember(state, left, right);
    if (this.watch) this.watch(state, left, right);
  }

  /** Where there is no ghost to be seen yet, a line says why. */
  setGhost(isWanted) {
    super.setGhost(isWanted);
    if (isWanted && this.kind === "exact") this.say(this.learned ? NO_GHOST_YET : NO_GHOST);
  }
}

/** Where the balls would fly if no paddle moved: for each ball points [x, y], up to its next score or `ticks` ticks. */
function pathAhead(engine, ticks) {
  const saved = engine.snapshot();
  let before = engine.state;
  const placeOf = (state, k) => [state[slotOf(k) + X], state[slotOf(k) + Y]];
  const paths = Array.from({length: ballsIn(before)}, (_, k) => ({points: [placeOf(before, k)], ended: false}));
  try {
    for (let t = 0; t < ticks && !paths.every((path) => path.ended); t++) {
      const now = engine.step(0, 0);
      paths.forEach((path, k) => {
        path.ended = path.ended || hasJumped(before, now, k);
        if (!path.ended) path.points.push(placeOf(now, k));
      });
      before = now;
    }
  } catch { /* the model loses the game on the way: the path ends there */ }
  engine.restore(saved);
  return paths.map((path) => path.points);
}

/** Draw paths [[x, y], ...] as rows of small squares. */
function drawPaths(court, paths, colour) {
  const {unit} = court.place();
  const {context, canvas} = court;
  const middle = [canvas.width / 2, canvas.height / 2];
  const size = Math.max(1.5, 0.006 * unit);
  context.fillStyle = colour;
  for (const points of paths) {
    for (const [x, y] of points) {
      context.fillRect(middle[0] + x * unit - size / 2, middle[1] + y * unit - size / 2, size, size);
    }
  }
}

/** What games in the page tell Python: rows in batches, each with the score and the game that they belong to. */
class Reporter {
  constructor(owner) {
    const page = Math.random().toString(36).slice(2);      // a notebook may be open twice
    Object.assign(this, {owner, page, begun: 0});
    this.forget();
  }

  get game() { return `${this.page}-${this.begun}`; }

  forget() { Object.assign(this, {states: [], actions: [], counts: {}, waited: 0}); }

  /** A game began, or keeping it did; isFresh: with a serve from its seed. */
  begin(session, isKept, isFresh = session.ticks === 0) {
    this.flush(session);
    this.begun += 1;
    const news = {kind: "begin", seed: Number(session.seed), tick: session.ticks, kept: isKept, fresh: isFresh};
    const which = {game: this.game, of: this.owner.played.game.number, engine: session.kind};
    this.owner.send({...news, ...which}, [session.state.slice().buffer]);
  }

  add(state, left, right) {
    this.states.push(state);
    this.actions.push(left, right);
  }

  count({kind}) { this.counts[kind] = (this.counts[kind] || 0) + 1; }

  /** Count what changes the game from outside: alone in its batch, so that Python knows the tick. */
  mark(event, session) {
    this.flush(session);
    this.count(event);
    this.flush(session);
  }

  /** Seconds pass; a batch leaves when it is due. */
  advance(seconds, session) {
    this.waited += seconds;
    if (this.waited >= BATCH_SECONDS) this.flush(session);
  }

  flush(session) {
    const {states, actions, counts} = this;
    this.forget();
    if (!states.length && !Object.keys(counts).length) return;
    const rows = new Float32Array(states.length * session.state.length);
    states.forEach((state, t) => rows.set(state, t * state.length));
    const error = Number.isFinite(session.error) ? session.error : null;
    const news = {kind: "rows", game: this.game, counts, score: session.scores, tick: session.ticks, error};
    this.owner.send(news, [rows.buffer, Float32Array.from(actions).buffer]);
  }
}

/** What both ways to run have in common: pictures on every view, the meter, and the settings' names. */
class NotebookGame {
  constructor(model) {
    this.model = model;
    this.courts = new Set();
    this.meter = new Meter();
    this.handlers = [];
    this.isAlone = false;
    this.paths = {...NO_PATHS};
    this.session = this.makeSession();
    this.meter.side = this.session.humans[0] || 0;
    const everyCourt = {draw: (state, extras) => this.draw(state, extras)};
    this.loop = new Loop(this.session, everyCourt, {onFrame: (_, now) => this.onFrame(now)});
    this.listen("msg:custom", (message, buffers) => this.hearPython(message, buffers || []));
  }

  /** A message of Python; what cannot be done with it is said on the court. */
  hearPython(message, buffers) {
    const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    try {
      this.receive(message, buffers.map((view) => new Float32Array(bytes(view))));
    } catch (error) {
      this.session.say(error.message);
    }
  }

  get game() { return this.model.get("_game"); }
  /** Where a game is whose kernel is gone. */
  get whereItIs() {
    if (!this.model.get("record")) return "";
    return this.model.get("_unwritten") ? "; what was played could not be written down" : "; left_behind() has this one";
  }

  /** Is a court in focus? */
  get hasKeys() { return [...this.courts].some(({canvas}) => canvas.parentElement === document.activeElement); }
  get isHuman() { return ["left", "right"].some((side) => this.model.get(side) === "human"); }

  listen(name, handler) {
    this.model.on(name, handler);
    this.handlers.push([name, handler]);
  }

  /** Tell Python about settings that changed here, all at once. */
  set(changes) {
    const news = Object.entries(changes).filter(([name, value]) => this.model.get(name) !== value);
    for (const [name, value] of news) this.model.set(name, value);
    if (news.length) this.reach(() => this.model.save_changes());
  }

  /** Tell Python something. */
  send(message, buffers = []) { this.reach(() => this.model.send(message, undefined, buffers)); }

  /** Do what needs a kernel; where there is none any more, remember that. */
  reach(act) {
    try { act(); } catch { this.isAlone = true; }
  }

  add(court) {
    this.courts.add(court);
    this.seat();                                           // the page may have been loaded again in mid-game
    this.loop.start();
  }

  remove(court) {
    this.courts.delete(court);
    if (this.courts.size) return;
    this.loop.stop();
    this.leave();
  }

  draw(state, extras) {
    this.drawn = state;
    const told = {...extras, status: this.statusOf(extras)};
    const said = told.message || this.session.notice || this.lonely;
    for (const court of this.courts) {
      court.setGame(this.game);
      court.draw(state, told);
      court.onMessage(said);
      drawPaths(court, this.paths.before, COLOURS.text);
      drawPaths(court, this.paths.now, COLOURS.flash);
    }
  }

  statusOf({status}) { return status; }

  /** What a game says that goes on without its kernel; else nothing. */
  get lonely() { return this.isAlone ? `${GONE}: nothing is recorded any more${this.whereItIs}` : ""; }

  /** Who plays may be new, or where: a person who has not got the keys is waited for. */
  seat() {
    this.meter.side = this.session.humans[0] || 0;
    if (this.isHuman && !this.hasKeys && !this.session.paused) this.session.pause();
  }

  onFrame(now) {
    if (!this.session.paused) this.meter.frame(now, this.drawn, this.session.ticks);
    else this.meter.before = null;
  }

  close() {
    this.loop.stop();
    for (const [name, handler] of this.handlers) this.model.off(name, handler);
  }
}

/** Rules and model run in the page; Python hears of it. */
export class BrowserGame extends NotebookGame {
  constructor(model) {
    super(model);
    const {session} = this;
    this.listen("change:paused", () => this.followPause());
    this.listen("change:record", () => this.reporter.begin(this.session, this.model.get("record")));
    for (const name of ["_game", "_weights"]) this.listen(`change:${name}`, () => this.renew());
    this.listen("change:engine", () => this.session.show(SHOWN_AS[this.model.get("engine")]));
    this.listen("change:ghost", () => this.followGhost());
    ["left", "right"].forEach((name, side) => this.listen(`change:${name}`, () => this.setPlayer(side)));
    for (const name of ["event_temperature", "serve_temperature", "speed"]) {
      this.listen(`change:${name}`, () => this.heat(this.session));
    }
    this.reporter.begin(session, model.get("record"));
  }

  /** The session that the settings ask for. */
  makeSession() {
    const {model, game} = this;
    const setting = (name) => model.get(name);
    const weights = setting("_weights");
    this.played = {game, weights};
    const [learned, failure] = this.readEngine(weights);
    const engines = {exact: new ExactEngine(game, setting("seed")), learned};
    const shows = SHOWN_AS[setting("engine")];
    const start = {shows, ghost: setting("ghost"), seed: setting("seed")};
    const session = new WatchedSession({...engines, left: this.player(0), right: this.player(1), ...start});
    session.paused = setting("paused");
    this.heat(session);
    this.reporter = this.reporter || new Reporter(this);
    session.watch = (state, left, right) => setting("record") && this.reporter.add(state, left, right);
    session.onEvent((event) => this.hear(event));
    if (failure) session.lose(failure);
    return session;
  }

  /** The learned engine, and why there is none if its weights are of no use: then the rules play. */
  readEngine(weights) {
    if (!weights || !Object.keys(weights).length) return [null, ""];
    try {
      const options = {nBalls: this.game.config.n_balls};
      return [new FuzzyEngine(readModel(weights), this.model.get("seed"), options), ""];
    } catch (error) {
      return [null, error.message];
    }
  }

  /** Who plays on a side: a person, a built-in player by its name, or an agent by what `web_agent` made of it. */
  player(side) {
    const who = this.model.get(["left", "right"][side]);
    if (who === "human") return null;
    return typeof who === "string" ? makePlayer(who, this.game, side, this.model.get("seed"))
      : new AgentPlayer(readAgent(who), this.game, side);
  }

  /** Somebody else on a side, from now on; who plays on the other one plays on. */
  setPlayer(side) {
    const both = this.session.players.slice();
    both[side] = this.player(side);
    this.session.setPlayers(...both);
    this.seat();
  }

  heat(session) {
    session.speed = this.model.get("speed");
    if (!session.learned) return;
    session.learned.eventTemperature = this.model.get("event_temperature");
    session.learned.serveTemperature = this.model.get("serve_temperature");
  }

  /** Another model, perhaps another game: begin anew. */
  renew() {
    const {game, weights} = this.played;
    if (game === this.game && weights === this.model.get("_weights")) return;
    this.reporter.flush(this.session);
    this.session = this.makeSession();
    this.loop.session = this.session;
    this.courts.forEach((court) => court.onSession(this.session));
    this.paths = {...NO_PATHS};
    this.reporter.begin(this.session, this.model.get("record"));
  }

  followGhost() {
    const isWanted = this.model.get("ghost");
    if (isWanted !== this.session.wantsGhost) this.session.setGhost(isWanted);
  }

  followPause() {
    const isPaused = this.model.get("paused");
    if (isPaused === this.session.paused) return;
    if (isPaused) this.session.pause(); else this.session.resume();
  }

  hear(event) {
    if (event.kind === "served") this.paths.before = [];
    if (event.kind === "reset") {
      this.paths.before = [];
      if (this.session) this.reporter.begin(this.session, this.model.get("record"));
      return;
    }
    if (event.kind.startsWith("now ")) this.reporter.mark(event, this.session);
    else this.reporter.count(event);
  }

  receive(message, numbers) {
    if (message.kind === "say") this.session.say(message.text);
    if (message.kind === "reset") this.session.reset(message.seed);
    if (message.kind === "load") {
      this.session.load(numbers[0]);
      this.reporter.begin(this.session, this.model.get("record"), false);
    }
    if (message.kind === "push") this.push(message, numbers[0]);
  }

  /** Add to what the model remembers of a ball; the path that was to come stays to be seen. */
  push({ball, amount}, direction) {
    const {session} = this;
    if (session.kind !== "learned") return;
    const {paths} = this;
    const since = session.ticks - paths.last;
    if (!paths.before.length || since < 0 || since > GESTURE_TICKS) {
      [paths.first, paths.before] = [session.ticks, pathAhead(session.learned, this.model.get("look_ahead"))];
    }
    paths.last = session.ticks;
    session.learned.pushMemory(ball, direction, amount);
    this.reporter.mark({kind: "pushed"}, session);
    this.lookAhead();
  }

  lookAhead() {
    const ticks = this.model.get("look_ahead");
    this.paths.now = ticks && !this.session.failure ? pathAhead(this.session.engine, ticks) : [];
  }

  onFrame(now) {
    const {session, reporter} = this;
    super.onFrame(now);
    if (!session.paused) reporter.advance((this.loop.gaps[(this.loop.frames - 1) % 1000] || 0) / 1000, session);
    else reporter.flush(session);
    const ticks = this.model.get("look_ahead");
    if (session.ticks - this.paths.first > ticks) this.paths.before = [];         // that way would be over by now
    if (this.loop.frames % LOOKED_EVERY === 0) this.lookAhead();
    const shown = {paused: session.paused, engine: NAMED_AS[session.shows], ghost: session.wantsGhost};
    this.set({...shown, notice: session.words});                            // its seed it told when it began
  }

  statusOf({status}) { return this.isAlone ? `${this.session.kind} engine · ${this.lonely}` : status; }

  leave() {
    if (this.isHuman) this.session.pause();
    this.reporter.flush(this.session);
    this.set({paused: this.session.paused});
  }
}

/** The face of a session whose game is elsewhere: states come from a kernel, keys go to it. */
export class RemoteSession {
  constructor(owner) {
    Object.assign(this, {owner, waiting: [], silent: 0, isHurried: false});
    Object.assign(this, {ticks: 0, state: null, ghostState: null, flash: [0, 0], status: "", text: ""});
    this.heldError = new HeldError();
  }

  get config() { return this.owner.game.config; }
  get paused() { return this.owner.model.get("paused"); }
  get humans() { return [0, 1].filter((side) => this.owner.model.get(["left", "right"][side]) === "human"); }
  get scores() { return this.state ? [LEFT_POINTS, RIGHT_POINTS].map((i) => Math.round(this.state[i]) || 0) : [0, 0]; }
  get hint() {
    if (this.paused && this.words) return "click to go on";
    return keysFor(this.humans.length, this.owner.game.learned);
  }

  /** What Python has to say: large in a pause, else in a line. */
  get words() { return this.owner.model.get("notice") || ""; }
  get notice() { return this.paused ? "" : this.words; }
  say(text) { this.owner.set({notice: text}); }

  get message() {
    if (this.owner.isAlone) return `${GONE}\nRun the cell again for another game${this.owner.whereItIs}`;
    if (!this.paused && this.silent > SILENT_SECONDS) return SILENT;
    if (!this.paused) return this.text;
    return this.words || this.text || pauseTextAt(this.ticks);
  }

  /** News from the kernel: rows of states, the oldest first, and what goes with the last of them. */
  take(news, states, ghost) {
    this.silent = 0;
    const rows = states.length / news.count;
    for (let k = 0; k < news.count; k++) {
      const state = states.slice(k * rows, (k + 1) * rows);
      this.waiting.push({state, ghost, news, tick: news.tick - news.count + 1 + k});
    }
    if (news.now) this.waiting = this.waiting.slice(-1);
    if (this.waiting.length > MOST_WAITING) this.waiting = this.waiting.slice(-KEPT_WAITING);
  }

  /** A picture later: the next state that waits. */
  advance(seconds) {
    this.silent = this.paused ? 0 : this.silent + seconds;
    if (this.isHurried && this.waiting.length > 1) {
      this.waiting.shift();
      this.isHurried = false;
    }
    const next = this.waiting.shift();
    if (!next) return 0;
    const {state, ghost, news, tick} = next;
    const {flash, text} = news;
    Object.assign(this, {state, ghostState: ghost, ticks: tick, flash, status: this.statusOf(news, tick), text});
    return 1;
  }

  /** What plays, and the distance to the rules as in a page. error: undefined without a ghost, null once it scored. */
  statusOf({status, error}, tick) {
    if (error === undefined) {
      this.heldError.clear();
      return status;
    }
    this.heldError.note(tick / this.config.tick_rate, error === null ? NaN : error);
    return `${status} · ${this.heldError.text}`;
  }

  shown() { return this.state || this.empty(); }

  /** What to show before the first state: an empty court. */
  empty() {
    const state = new Float32Array(GAME_SIZE + BALL_SIZE * this.config.n_balls);
    state[COURT_SCALE] = this.config.court_scale;
    return state;
  }

  key(name, down = true) {
    const {owner} = this;
    if (name in MOVE_KEYS) this.move(name, down);
    else if (!down) return;
    else if (PAUSE_KEYS.includes(name)) owner.set({paused: !this.paused});
    else if (RESET_KEYS.includes(name)) owner.send({kind: "restart"});
    else if (SWAP_KEYS.includes(name)) owner.send({kind: "swap"});
    else if (GHOST_KEYS.includes(name)) owner.send({kind: "ghost"});
  }

  /** A key that moves a paddle: its answer should come soon, and one picture is left out to show it sooner. */
  move(name, down) {
    this.owner.send({kind: "key", name, down});
    if (!down) return;
    this.isHurried = true;
    for (const ms of PROMPTS) setTimeout(() => this.owner.live(), ms);
  }

  release() { this.owner.send({kind: "release"}); }
  pause() { this.owner.set({paused: true}); }
  resume() { this.owner.set({paused: false}); }
}

/** The game runs in a kernel: the page shows what comes, and says that it is there. */
class KernelGame extends NotebookGame {
  constructor(model) {
    super(model);
    this.listen("change:paused", () => { if (!this.session.paused) this.session.silent = 0; });
    for (const side of ["left", "right"]) {
      this.listen(`change:${side}`, () => this.seat());
    }
  }

  makeSession() { return new RemoteSession(this); }

  add(court) {
    super.add(court);
    if (!this.timer) this.timer = setInterval(() => this.live(), 1000 * ALIVE_SECONDS);
    this.send({kind: "hello"});
  }

  live() { if (!this.session.paused) this.send({kind: "alive"}); }

  receive(message, numbers) {
    if (message.kind !== "states") return;
    const [states, ghost, now, before] = numbers;
    this.session.take(message, states, ghost.length ? ghost : null);
    const points = (flat) => [Array.from({length: flat.length / 2}, (_, i) => [flat[2 * i], flat[2 * i + 1]])];
    if (now) this.paths = {now: points(now), before: points(before)};
    else if (!this.model.get("look_ahead")) this.paths = {...NO_PATHS};
  }

  leave() {
    clearInterval(this.timer);
    this.timer = null;
    this.send({kind: "bye"});
  }

  close() {
    super.close();
    clearInterval(this.timer);
  }
}

/**
 * The controls around a court. A mouse on them leaves the court its keys: else the game would pause before the control
 * hears of it, and "pause" would mean the contrary.
 */
class Neighbours {
  constructor(court) {
    Object.assign(this, {court, chosen: null});
    this.handlers = {mousedown: (event) => this.press(event), click: (event) => this.click(event),
      change: (event) => this.choose(event), keydown: () => { this.chosen = null; }};
    for (const [name, handler] of Object.entries(this.handlers)) document.addEventListener(name, handler, true);
  }

  /** What of the panel around the court this event is about: the nearest element that `selector` means, or null. */
  at(event, selector) {
    const panel = this.court.closest(PANEL);
    const found = event.target instanceof Element ? event.target.closest(selector) : null;
    return panel && found && panel.contains(found) && !this.court.contains(found) ? found : null;
  }

  press(event) {
    this.chosen = this.at(event, CHOSEN);
    if (document.activeElement === this.court && this.at(event, `${PRESSED}, ${PULLED}`)) event.preventDefault();
  }

  /** What is pressed with a mouse gives the court the keys; detail: clicks, none for a key. */
  click(event) {
    const pressed = event.detail > 0 && this.at(event, PRESSED);
    if (!pressed) return;
    if (pressed.control) {                                 // a label would give them to what it is the label of
      event.preventDefault();
      pressed.control.click();
    }
    this.court.focus({preventScroll: true});
  }

  /** So does what was chosen with one. */
  choose(event) { if (this.chosen && this.chosen === event.target) this.court.focus({preventScroll: true}); }

  leave() {
    for (const [name, handler] of Object.entries(this.handlers)) document.removeEventListener(name, handler, true);
  }
}

/** A canvas on the page that shows a game and takes its keys. */
class WidgetView {
  constructor(game, el) {
    this.game = game;
    this.holder = document.createElement("div");
    this.holder.className = "pong-widget";
    this.holder.tabIndex = 0;
    this.holder.setAttribute("role", "application");
    this.holder.setAttribute("aria-label", "Pong. Space plays and pauses, Tab leaves the game");
    this.holder.dataset.lmSuppressShortcuts = "true";      // JupyterLab's shortcuts listen before anybody else
    this.holder.meter = game.meter;
    const canvas = document.createElement("canvas");
    this.holder.append(canvas);
    el.append(this.holder);
    this.court = new Court(canvas, game.game);
    this.court.onSession = (session) => this.attach(session);
    this.court.onMessage = (text) => this.say(text);
    this.attach(game.session);
    this.neighbours = new Neighbours(this.holder);
    this.holder.addEventListener("pointerdown", () => this.enter());
    this.holder.addEventListener("keydown", (event) => this.press(event), true);
    game.add(this.court);
  }

  /** Keys and fingers go to this session. */
  attach(session) {
    this.detach();
    this.inputs = [new Keys(this.holder, session, {pauses: () => this.game.isHuman})];
    if (session.point) this.inputs.push(new Touch(this.holder, session));
    for (const input of this.inputs) input.attach();
  }

  /** The message on the canvas, for those who cannot see it. */
  say(text) {
    if (this.holder.getAttribute("aria-description") !== text) this.holder.setAttribute("aria-description", text);
  }

  detach() { for (const input of this.inputs || []) input.detach(); }

  /** A click takes the focus, and play goes on. */
  enter() {
    this.holder.focus({preventScroll: true});
    if (this.game.session.paused) this.game.session.resume();
  }

  press(event) {
    if (keyName(event) in MOVE_KEYS && !event.repeat && !this.game.session.paused) {
      this.game.meter.press(event.timeStamp);
    }
  }

  remove() {
    this.detach();
    this.neighbours.leave();
    this.game.remove(this.court);
    this.holder.remove();
  }
}

/** What anywidget asks for: one game for each model, on as many views as show it. */
export function pongWidget() {
  let game = null;
  return {
    initialize({model}) {
      game = model.get("run") === "kernel" ? new KernelGame(model) : new BrowserGame(model);
      return () => game.close();
    },
    render({el}) {
      const view = new WidgetView(game, el);
      return () => view.remove();
    },
  };
}
