/** The web page: who plays which game, with what settings; and "real or dream?". The data stand in the page itself. */
import {ExactEngine} from "./rules.js";
import {FuzzyEngine, readModel} from "./model.js";
import {findPlayer, readAgent, unfit} from "./agents.js";
import {SHOWS, Session} from "./session.js";
import {Court, Keys, Loop, Touch} from "./court.js";
import {BlindTest} from "./blind.js";

/** An element of the page by its id. */
function part(id) { return document.getElementById(id); }

/** What the court says to a finger, to whoever has the keys on it, and to whoever has them elsewhere. */
const SAYS = {
  touch: {begin: "tap to play", pause: "paused\ntap to go on", end: "tap to play on", won: "tap for another game",
    lost: "tap for a new game, or let Exact go on"},
  keys: {begin: "press Space to play", pause: "paused\nSpace goes on", end: "Space plays on",
    won: "Space begins another game", lost: "N begins a new game, X goes on by the rules"},
  away: {begin: "press Play, or click here", pause: "paused: the keys are elsewhere\nPlay, or a click here, goes on",
    end: "Play goes on", won: "Play begins another game", lost: "New game begins another, Exact goes on by the rules"},
};
const GAME_BUTTONS = ["play", "reset", "test", "save"];
/** What else is of no use until the page's data are there; the page comes with all of them disabled. */
const OTHER_CONTROLS = ["model", "shows", "against", "settings"];
/** Who plays where a player that learned cannot. */
const SUBSTITUTE = "level2";

/** Show what is wrong on the court; `goOn` is what a button there does, null: there is no game to go on with. */
function showTrouble(title, text, goOn = null) {
  const [box, heading, line] = [part("trouble"), document.createElement("b"), document.createElement("span")];
  [heading.textContent, line.textContent] = [title, text];
  box.replaceChildren(heading, line);
  if (goOn) {
    const button = document.createElement("button");
    [button.type, button.textContent] = ["button", "Back to the game"];
    button.addEventListener("click", goOn);
    for (const kind of ["keydown", "keyup", "pointerdown"]) {              // not for the court that it stands on
      button.addEventListener(kind, (event) => event.stopPropagation());
    }
    box.append(button);
  }
  [box.hidden, box.className] = [false, ""];
  for (const id of GAME_BUTTONS) part(id).disabled = !goOn;
  part("stage").scrollIntoView({block: "nearest"});
}

function hideTrouble() {
  part("trouble").hidden = true;
  for (const id of GAME_BUTTONS) part(id).disabled = false;
}

/** What stands in the page: {models: [{name, note, facts, several, web}], agents: [what `web_agent` made], options}. */
function readData() {
  const damaged = "page: its data are not readable (the file was cut short or changed); make it again with web_page";
  let data;
  try { data = JSON.parse(part("pong-data").textContent); } catch { throw Error(damaged); }
  if (!isWhole(data)) throw Error(damaged);
  return data;
}

/** Is this what `web_page` writes? What a network's or an agent's own numbers are worth is seen where they are read. */
function isWhole(data) {
  const isThing = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const isGame = (game) => isThing(game) && isThing(game.config) && isThing(game.rules);
  const isModel = (entry) => isThing(entry) && isThing(entry.web) && isGame(entry.web.game)
    && [entry.name, entry.note, entry.facts].every((text) => typeof text === "string");
  const isAgent = (entry) => isThing(entry) && typeof entry.name === "string" && isThing(entry.config);
  const {models, agents = [], options} = isThing(data) ? data : {};
  const isListOf = (is, list) => Array.isArray(list) && list.every(is);
  return isListOf(isModel, models) && models.length > 0 && isListOf(isAgent, agents) && isThing(options)
    && SHOWS.includes(options.shows) && typeof options.against === "string";
}

/** Let the browser save a text as a file. */
function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** The page as a whole: controls, one session, and at times a blind test in its place. */
class Page {
  constructor({models, agents = [], options}) {
    this.models = models;
    this.agents = agents;
    this.options = options;
    this.seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
    this.read = new Map();
    this.loop = null;
    this.test = null;
    this.isCoarse = window.matchMedia("(pointer: coarse)").matches;
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.fillControls();
    this.listen();
    this.choose(0);
  }

  // ------------------------------------------------------------------------------------------ one game

  /** A model of the page, read once; throws one line if it is broken. */
  model(entry) {
    if (!this.read.has(entry)) this.read.set(entry, readModel(entry.web));
    return this.read.get(entry);
  }

  learnedEngine(entry, nBalls, temperatures = {}) {
    return new FuzzyEngine(this.model(entry), this.seed, {nBalls, ...temperatures});
  }

  /** Take the model at this place of the chooser. */
  choose(index) {
    const entry = this.models[index];
    if (!this.begin(entry, entry.balls)) return;
    part("note").textContent = entry.note;
    part("facts").textContent = entry.facts;
    part("balls").disabled = !entry.several;
    part("balls-note").textContent = entry.several ? "Each with a memory of its own."
      : "This network saw games of one ball.";
    part("target").disabled = entry.match !== null;
    this.setTarget();
  }

  /** Make engines, players and a session of what the controls say. Returns whether it went well; if not, all stays. */
  begin(entry = this.entry, nBalls = Number(part("balls").value)) {
    let learned;
    try {
      learned = this.learnedEngine(entry, nBalls, this.temperatures());
    } catch (error) { return this.refuse(error); }
    this.endTest();
    hideTrouble();
    this.entry = entry;
    part("balls").value = nBalls;
    this.session = new Session({learned, exact: new ExactEngine(learned.game), shows: this.shows(), seed: this.seed,
      target: this.target(), speed: Number(part("speed").value)});
    this.session.pause();
    this.fitAgents();
    this.setPlayers();
    this.noteTemperatures(true);
    this.session.onEvent((event) => this.announce(event));
    this.court = this.court || new Court(part("court"), learned.game, {rests: true});
    this.court.setGame(learned.game);
    this.attach(this.session);
    this.showValues();
    return true;
  }

  /** What was asked for cannot be played: the game that is there stays, and the controls say so. */
  refuse(error) {
    if (!this.session) { showTrouble("This game cannot be played", error.message); return false; }
    part("model").value = this.models.indexOf(this.entry);
    part("balls").value = this.session.nBalls;
    this.showValues();
    this.stumble(`${error.message}. The game you had is still there.`, "This game cannot be played");
    return false;
  }

  /** Something broke: say it on the court, and keep what was played, which can be saved or gone on with. */
  stumble(text, title = "Something went wrong") {
    if (!this.session) { showTrouble(title, text); return; }
    const isAgain = !part("trouble").hidden;
    if (isAgain) this.loop.stop();                                        // it may come with every picture
    this.session.pause();
    const advice = isAgain ? " If it comes again: a new game, or another network." : "";
    showTrouble(title, text + advice, () => this.goOn());
  }

  goOn() {
    hideTrouble();
    this.wake();
    this.toStage();
  }

  /** Pictures again after an error that stopped them: whatever a person does is a reason to try. */
  wake() {
    if (!this.loop || this.loop.request !== null) return;
    this.court.look = [];                                                 // the last picture may be half of one
    this.loop.start();
  }

  /** Let keys, fingers and the loop serve a session, or a test. */
  attach(session) {
    if (!this.loop) {
      this.keys = new Keys(part("stage"), session, {pauses: () => session.humans.length > 0}).attach();
      this.touches = [part("stage"), part("pad")].map((element) => new Touch(element, session).attach());
      this.loop = new Loop(session, this.court, {onFrame: () => this.showFrame(), captions: (s) => this.captions(s),
        flashes: () => !this.still.matches});
    }
    for (const user of [this.keys, ...this.touches, this.loop]) user.session = session;
    this.keys.pauses = () => session.humans.length > 0;
    this.wake();
  }

  /** Who plays on the left and on the right; null is a person. */
  cast() {
    const against = part("against").value, [first, second] = this.agents.map(({name}) => name);
    const both = {friend: [null, null], watch: ["level1", "level1"], agents: [first, second]}[against];
    return both || (part("side").value === "1" ? [against, null] : [null, against]);
  }

  /** A player by its name, null for a person; throws one line if one that learned is broken. */
  player(name, side) {
    if (name === null) return null;
    const entry = this.agents.find((agent) => agent.name === name);
    if (entry && !this.read.has(entry)) this.read.set(entry, readAgent(entry));
    return findPlayer(name, this.session.game, side, this.session.seed, entry && {[name]: this.read.get(entry)});
  }

  setPlayers() {
    let players;
    try { players = this.cast().map((name, side) => this.player(name, side)); } catch (error) {
      part("against").value = SUBSTITUTE;
      this.setPlayers();
      this.stumble(`${error.message}. A tracker plays instead.`, "This player cannot play");
      return;
    }
    this.session.setPlayers(...players);
    this.showHow();
  }

  /** Who learned another game than this cannot be chosen; who was chosen makes way, and a line says so. */
  fitAgents() {
    const {config} = this.session.game, {options} = part("against"), why = {};
    for (const agent of this.agents) why[agent.name] = unfit(agent, config);
    const all = Object.values(why), isKnown = all.includes("");
    why.agents = all.slice(0, 2).find(Boolean);
    for (const option of options) option.disabled = Boolean(why[option.value]);
    const group = part("against").querySelector("optgroup");
    const home = this.models.find(({web}) => this.agents.some((agent) => !unfit(agent, web.game.config)));
    if (group) group.label = isKnown || !home ? "players that learned" : `they learned the game of ${home.name}`;
    const {value} = part("against");
    if (!why[value]) return;
    part("against").value = SUBSTITUTE;
    this.session.say(`${why[value]}; a tracker plays`);
  }

  // ------------------------------------------------------------------------------------------ what controls say

  shows() { return document.querySelector("input[name=shows]:checked").value; }
  /** Points that end a game: so many for each ball, or a court full of them would be done in two seconds. */
  target() {
    const {disabled, value} = part("target");
    return disabled || !value ? null : Number(value) * Number(part("balls").value);
  }

  temperatures() {
    return {eventTemperature: Number(part("event-temperature").value),
      serveTemperature: Number(part("serve-temperature").value)};
  }

  /** Set every control to the page's options. */
  fillControls() {
    const {options} = this;
    this.models.forEach((entry, k) => part("model").append(new Option(entry.name, k)));
    part("model-field").hidden = this.models.length < 2;
    document.querySelector(`input[name=shows][value=${options.shows}]`).checked = true;
    for (const id of OTHER_CONTROLS) part(id).disabled = false;
    this.offerAgents();
    part("against").value = options.against;
    part("side").value = options.side === "right" ? "1" : "0";
    part("event-temperature").value = options.event_temperature;
    part("serve-temperature").value = options.serve_temperature;
    part("target").value = options.target ?? "";
    part("speed").value = "1";
    part("pad").hidden = !this.isCoarse;
  }

  /** The page's players that learned, among those to play against; two of them may also play each other. */
  offerAgents() {
    const group = document.createElement("optgroup"), friend = part("against").querySelector("[value=friend]");
    const label = ({name, learned}) => (learned ? `learned in ${learned} (${name})` : name);
    part("agents-note").hidden = !this.agents.length;
    if (!this.agents.length) return;
    group.append(...this.agents.map((agent) => new Option(label(agent), agent.name)));
    friend.before(group);
    if (this.agents.length > 1) part("against").append(new Option("nobody: watch two that learned", "agents"));
  }

  /** What happens when a control is used. */
  listen() {
    const on = (id, kind, act) => part(id).addEventListener(kind, act);
    on("play", "click", () => this.togglePlay());
    on("reset", "click", () => { this.session.restart(); this.goOn(); });
    on("model", "change", (event) => this.choose(Number(event.target.value)));
    on("balls", "change", () => { if (this.session) this.begin(); });
    on("balls", "input", () => this.showValues());
    for (const id of ["against", "side"]) on(id, "change", () => { if (this.session) this.setPlayers(); });
    on("target", "change", () => { if (this.session) this.setTarget(); });
    on("speed", "change", (event) => { if (this.session) this.session.speed = Number(event.target.value); });
    on("save", "click", () => { this.save(); this.giveKeysBack(); });
    for (const id of ["event-temperature", "serve-temperature"]) {
      on(id, "input", () => this.setTemperatures());
      on(id, "change", () => this.giveKeysBack());
    }
    for (const radio of document.querySelectorAll("input[name=shows]")) {
      radio.addEventListener("change", () => this.show(this.shows()));
    }
    // A mouse or finger leaves the focus on the court: else the game would pause before the button hears of it
    for (const id of ["pad", "play", "shows", "real", "dream", "again"]) {
      on(id, "mousedown", (event) => event.preventDefault());
    }
    on("stage", "keydown", (event) => { if (event.key !== "Tab") this.showStage(); });     // who plays wants to see it
    document.addEventListener("pointerdown", () => { this.isByPointer = true; }, true);
    document.addEventListener("keydown", () => { this.isByPointer = false; }, true);
    for (const kind of ["pointerdown", "keydown", "change"]) document.addEventListener(kind, () => this.wake(), true);
    for (const id of ["shows", "against", "side", "model", "balls", "target", "speed"]) {
      on(id, "change", () => this.giveKeysBack());
    }
    document.addEventListener("visibilitychange", () => { if (document.hidden && this.session) this.session.pause(); });
    on("test", "click", () => this.beginTest());
    on("once-more", "click", () => this.beginTest());
    on("real", "click", () => this.test.guess(false));
    on("dream", "click", () => this.test.guess(true));
    on("again", "click", () => this.test.again());
    on("stop", "click", () => this.test.stop());
    on("blind", "keydown", (event) => { if (event.key === "Escape" && !event.repeat) this.test.stop(); });
    on("back", "click", () => { this.endTest(); this.toStage(); });
  }

  togglePlay() {
    if (this.session.paused) this.session.resume(); else this.session.pause();
    this.goOn();
  }

  /** Another engine in mid-rally; the ghost is to be seen with "both" alone. */
  show(shows) {
    if (!this.session) return;
    this.session.wantsGhost = false;
    this.session.show(shows);
    if (!this.hasKeys && this.session.humans.length) this.session.pause();
  }

  /** Does the court have the keyboard? */
  get hasKeys() { return document.activeElement === part("stage"); }

  /** After a choice by mouse the keys move the paddle again, not the control; who chose by keys stays there. */
  giveKeysBack() {
    if (this.isByPointer && !this.isCoarse) part("stage").focus({preventScroll: true});
  }

  /** Give the court the keyboard, and bring it into view if it is not. */
  toStage() {
    part("stage").focus({preventScroll: true});
    this.showStage();
  }

  showStage() { part("stage").scrollIntoView({block: "nearest"}); }

  setTarget() {
    this.session.target = this.target();
    this.showValues();
  }

  setTemperatures() {
    if (this.session) {
      Object.assign(this.session.learned, this.temperatures());
      this.noteTemperatures();
    }
    this.showValues();
  }

  /** Note from which tick of the game on which temperatures hold: [tick, event's, serve's]. */
  noteTemperatures(isNewGame = false) {
    const {ticks} = this.session;
    const before = isNewGame ? [] : this.heats.filter(([tick], k) => k === 0 || tick < ticks);  // the first served
    this.heats = [...before, [ticks, ...Object.values(this.temperatures())]];
  }

  /** The game so far as a file: with what it needs to be played again as it was seen, and the points to check it by. */
  save() {
    const {format, seed, config, actions, engine, swaps} = this.session.replay();
    const about = {engine: `${engine} engine`, model: this.entry.name, checksum: this.entry.web.checksum, swaps,
      temperatures: this.heats, scores: this.session.scores, players: this.cast().map((name) => name ?? "person")};
    download(`pong-${this.entry.name}-${seed}.json`, JSON.stringify({format, seed, config, actions, about}));
  }

  // ------------------------------------------------------------------------------------------ what the page says

  /** What is written on the court. */
  captions(session) {
    const message = session === this.test ? session.message : this.messageOf(session);
    return {message, hint: session.notice || "", status: session.status};
  }

  /** What happened to the game, and how it goes on. */
  messageOf({failure, result, reachedTarget, paused, ticks}) {
    const says = SAYS[this.isCoarse ? "touch" : this.hasKeys ? "keys" : "away"];
    if (failure) return `${failure}\n${says.lost}`;
    if (result) return `${result}\n${reachedTarget ? says.won : says.end}`;
    return paused ? says[ticks ? "pause" : "begin"] : "";
  }

  /** Values beside the sliders. */
  showValues() {
    const {eventTemperature, serveTemperature} = this.temperatures();
    part("event-value").textContent = eventTemperature.toFixed(2);
    part("serve-value").textContent = serveTemperature.toFixed(2);
    part("balls-value").textContent = part("balls").value;
    const [target, match] = [this.target(), this.entry?.match];
    const isShared = target !== null && Number(part("balls").value) > 1;
    part("target-note").textContent = match ? `The network ends matches itself, at ${match} points.`
      : isShared ? `For each ball: ${target} in all.` : "The page counts.";
  }

  /** The keys, in one line. */
  showHow() {
    const mine = this.isCoarse ? "Drag up and down to move" : "Move with ↑ ↓ or Q A";
    const move = {friend: this.isCoarse ? "Drag, each on your half" : "Left: Q A. Right: ↑ ↓", watch: "Sit back",
      agents: "Sit back"};
    part("pad").firstElementChild.textContent = part("against").value === "friend" ? "left  |  right" : "drag here";
    const rest = this.isCoarse ? "" : " · Space pause · N new game · X swap engines · G ghost ball";
    part("how-text").textContent = (move[part("against").value] || mine) + rest;
  }

  /** After each picture: the few things on the page that follow the game. Ten times a second is enough to read. */
  showFrame() {
    const {session, test} = this;
    if (this.loop.frames % 6 || test || !session) return;
    if (!session.paused && !part("trouble").hidden) hideTrouble();
    const label = session.paused ? "Play" : "Pause";
    if (part("play").textContent !== label) {
      part("play").textContent = label;
      if (session.message === "paused") part("news").textContent = this.messageOf(session).replace("\n", ". ");
    }
    if (session.notice && part("news").textContent !== session.notice) part("news").textContent = session.notice;
    const radio = document.querySelector(`input[name=shows][value=${session.hasGhost ? "both" : session.shows}]`);
    if (!radio.checked) radio.checked = true;
    this.showError(session);
  }

  showError(session) {
    const {errorText} = session;
    if (part("error").textContent !== errorText) part("error").textContent = errorText;
    part("error").classList.toggle("far", errorText !== "" && session.heldError.largest > 1);
  }

  /** Points, ends and swaps for those who listen to the page. */
  announce({kind, scores}) {
    const [left, right] = scores;
    if (kind === "reset") this.noteTemperatures(true);
    const texts = {left_scored: `Left scores. ${left} to ${right}.`, right_scored: `Right scores. ${left} to ${right}.`,
      match_over: this.session.result, lost: `${this.session.failure}. N begins a new game.`,
      "now exact": "Now the exact engine plays.", "now learned": "Now the learned engine plays."};
    if (kind in texts) part("news").textContent = texts[kind];
  }

  // ------------------------------------------------------------------------------------------ real or dream?

  beginTest() {
    this.session.pause();
    this.seed += 1;
    try { this.test = this.newTest(); } catch (error) { this.stumble(`No test: ${error.message}.`); return; }
    hideTrouble();
    [part("settings").disabled, part("bar").hidden, part("blind").hidden] = [true, true, false];
    part("pad").hidden = true;
    document.body.classList.add("testing");
    part("how-text").textContent = "Two trackers play. By the rules, or dreamt? Answer when you like.";
    part("error").textContent = "";
    this.attach(this.test);
    this.showTest();
    this.toStage();
  }

  newTest() {
    const learned = this.learnedEngine(this.entry, this.session.nBalls);
    return new BlindTest({learned, exact: new ExactEngine(learned.game), seed: this.seed,
      onChange: () => this.showTest(), onStop: () => { this.endTest(); this.toStage(); }});
  }

  showTest() {
    const {test} = this;
    if (test.isDone && !test.rallies) { this.endTest(); this.stumble(`No test: ${test.trouble}.`); return; }
    part("ask").hidden = test.isDone;
    part("result").hidden = !test.isDone;
    const count = `Rally ${test.number + 1} of ${test.rallies}`;
    part("count").textContent = count;
    part("news").textContent = test.isDone ? "" : `${count}. ${test.isAwaited ? "One moment." : "R real, D dream."}`;
    if (test.isDone) this.showResult();
  }

  showResult() {
    const {test} = this;
    const {score, text} = test.verdict();
    part("how-text").textContent = `${test.rallies} rallies, ${test.rallies} answers.`;
    part("score").textContent = score;
    part("verdict").textContent = `${text} ${this.entry.facts}`;
    const word = (isDream) => (isDream ? "dream" : "real");
    part("answers").replaceChildren(...test.truths.slice(0, test.rallies).map((truth, k) => {
      const [item, note] = [document.createElement("li"), document.createElement("small")];
      const isRight = truth === test.guesses[k];
      item.className = isRight ? "right" : "wrong";
      item.textContent = `${k + 1}: ${word(truth)}`;
      note.textContent = isRight ? "✓ you were right" : `✗ you said ${word(test.guesses[k])}`;
      item.append(note);
      return item;
    }));
    part("score").focus({preventScroll: true});
  }

  /** Back to the game, as it was left. */
  endTest() {
    if (!this.test) return;
    this.test = null;
    [part("settings").disabled, part("bar").hidden, part("blind").hidden] = [false, false, true];
    part("pad").hidden = !this.isCoarse;
    document.body.classList.remove("testing");
    if (this.session) this.attach(this.session);
    this.showHow();
  }
}

/** Open the page: play, or say clearly why not. */
export function openPage() {
  const refuse = (error) => showTrouble("This game cannot be played", error.message);
  window.addEventListener("error", (event) => {
    if (window.pong) window.pong.stumble(`${event.message}. What was played is kept.`); else refuse(event);
  });
  try { window.pong = new Page(readData()); } catch (error) { refuse(error); return; }
  window.pong.toStage();
}

if (typeof document !== "undefined" && document.getElementById("pong-data")) openPage();
