/** The web page: who plays which game, with what settings; and "real or dream?". The data stand in the page itself. */
import {ExactEngine} from "./rules.js";
import {FuzzyEngine, readModel} from "./model.js";
import {makePlayer} from "./players.js";
import {Session} from "./session.js";
import {Court, Keys, Loop, Touch} from "./court.js";
import {BlindTest} from "./blind.js";

/** An element of the page by its id. */
function part(id) { return document.getElementById(id); }

/** Show what is wrong where the court would be. */
function showTrouble(text) {
  const box = part("trouble");
  const title = document.createElement("b");
  title.textContent = "This game cannot be played";
  box.replaceChildren(title, document.createTextNode(text));
  box.hidden = false;
  for (const id of ["play", "reset", "test", "save"]) part(id).disabled = true;
}

function hideTrouble() {
  part("trouble").hidden = true;
  for (const id of ["play", "reset", "test", "save"]) part(id).disabled = false;
}

/** What stands in the page: {models: [{name, note, facts, several, web}], options}. */
function readData() {
  const damaged = "page: its data are not readable (the file was cut short or changed); make it again with web_page";
  let data;
  try { data = JSON.parse(part("pong-data").textContent); } catch { throw Error(damaged); }
  if (!data || !Array.isArray(data.models) || !data.models.length) throw Error(damaged);
  return data;
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
  constructor({models, options}) {
    this.models = models;
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

  /** The model that is chosen, read once; throws one line if it is broken. */
  model() {
    if (!this.read.has(this.entry)) this.read.set(this.entry, readModel(this.entry.web));
    return this.read.get(this.entry);
  }

  learnedEngine(temperatures = {}) {
    return new FuzzyEngine(this.model(), this.seed, {nBalls: Number(part("balls").value), ...temperatures});
  }

  /** Take the model at this place of the chooser. */
  choose(index) {
    this.entry = this.models[index];
    part("note").textContent = this.entry.note;
    part("facts").textContent = this.entry.facts;
    part("balls").disabled = !this.entry.several;
    part("balls").value = this.entry.balls;
    part("balls-note").textContent = this.entry.several ? "Each with a memory of its own."
      : "This network saw games of one ball.";
    part("target").disabled = this.entry.match !== null;
    part("target-note").textContent = this.entry.match === null ? "The page counts."
      : `The network ends matches itself, at ${this.entry.match} points.`;
    this.begin();
  }

  /** Make engines, players and a session of what the controls say. */
  begin() {
    this.endTest();
    let learned;
    try { learned = this.learnedEngine(this.temperatures()); } catch (error) { this.fail(error); return; }
    hideTrouble();
    this.session = new Session({learned, exact: new ExactEngine(learned.game), shows: this.shows(), seed: this.seed,
      target: this.target(), speed: Number(part("speed").value)});
    this.session.pause();
    this.setPlayers();
    this.session.onEvent((event) => this.announce(event));
    this.court = this.court || new Court(part("court"), learned.game, {rests: true});
    this.court.setGame(learned.game);
    this.attach(this.session);
    this.showValues();
  }

  fail(error) {
    if (this.loop) this.loop.stop();
    this.session = null;
    showTrouble(error.message);
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
    this.loop.start();
  }

  setPlayers() {
    const against = part("against").value;
    const [left, right] = {friend: [null, null], watch: ["level1", "level1"]}[against] || [null, against];
    const make = (name, side) => name && makePlayer(name, this.session.game, side, this.session.seed);
    this.session.setPlayers(make(left, 0), make(right, 1));
    this.showHow();
  }

  // ------------------------------------------------------------------------------------------ what controls say

  shows() { return document.querySelector("input[name=shows]:checked").value; }
  target() { return part("target").disabled || !part("target").value ? null : Number(part("target").value); }
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
    part("against").value = options.against;
    part("event-temperature").value = options.event_temperature;
    part("serve-temperature").value = options.serve_temperature;
    part("target").value = options.target ?? "";
    part("speed").value = "1";
    part("pad").hidden = !this.isCoarse;
  }

  /** What happens when a control is used. */
  listen() {
    const on = (id, kind, act) => part(id).addEventListener(kind, act);
    on("play", "click", () => this.togglePlay());
    on("reset", "click", () => { this.session.restart(); this.toStage(); });
    on("model", "change", (event) => this.choose(Number(event.target.value)));
    on("balls", "change", () => this.begin());
    on("balls", "input", () => this.showValues());
    on("against", "change", () => { if (this.session) this.setPlayers(); });
    on("target", "change", () => { if (this.session) this.session.target = this.target(); });
    on("speed", "change", (event) => { if (this.session) this.session.speed = Number(event.target.value); });
    on("save", "click", () => this.save());
    for (const id of ["event-temperature", "serve-temperature"]) on(id, "input", () => this.setTemperatures());
    for (const radio of document.querySelectorAll("input[name=shows]")) {
      radio.addEventListener("change", () => this.show(this.shows()));
    }
    // A mouse or finger leaves the focus on the court: else the game would pause before the button hears of it
    for (const id of ["pad", "play", "real", "dream", "again"]) on(id, "mousedown", (event) => event.preventDefault());
    document.addEventListener("visibilitychange", () => { if (document.hidden && this.session) this.session.pause(); });
    on("test", "click", () => this.beginTest());
    on("once-more", "click", () => this.beginTest());
    on("real", "click", () => this.test.guess(false));
    on("dream", "click", () => this.test.guess(true));
    on("again", "click", () => this.test.again());
    for (const id of ["stop", "back"]) on(id, "click", () => { this.endTest(); this.toStage(); });
  }

  togglePlay() {
    if (this.session.paused) this.session.resume(); else this.session.pause();
    this.toStage();
  }

  /** Another engine in mid-rally; the ghost is to be seen with "both" alone. */
  show(shows) {
    if (!this.session) return;
    this.session.setGhost(false);
    this.session.show(shows);
  }

  /** Give the court the keyboard, and bring it into view if it is not. */
  toStage() {
    part("stage").focus({preventScroll: true});
    part("stage").scrollIntoView({block: "nearest"});
  }

  setTemperatures() {
    if (this.session) Object.assign(this.session.learned, this.temperatures());
    this.showValues();
  }

  save() {
    const replay = this.session.replay();
    const {format, seed, config, actions, engine, swaps} = replay;
    const about = {engine: `${engine} engine`, model: this.entry.name, swaps, ...this.temperatures()};
    download(`pong-${this.entry.name}-${seed}.json`, JSON.stringify({format, seed, config, actions, about}));
  }

  // ------------------------------------------------------------------------------------------ what the page says

  /** What is written on the court. */
  captions(session) {
    const again = session.failure ? "\nR begins a new game" : session.result ? "\nSpace plays on" : "";
    const tap = this.isCoarse && session.ticks === 0 && session.paused && !session.failure;
    const text = tap ? "tap to play" : session.message + again;
    return {message: text, hint: "", status: session.status};
  }

  /** Values beside the sliders. */
  showValues() {
    const {eventTemperature, serveTemperature} = this.temperatures();
    part("event-value").textContent = eventTemperature.toFixed(2);
    part("serve-value").textContent = serveTemperature.toFixed(2);
    part("balls-value").textContent = part("balls").value;
  }

  /** The keys, in one line. */
  showHow() {
    const mine = this.isCoarse ? "Drag up and down to move" : "Move with ↑ ↓ or Q A";
    const move = {friend: this.isCoarse ? "Drag, each on your half" : "Left: Q A. Right: ↑ ↓", watch: "Sit back"};
    part("pad").firstElementChild.textContent = part("against").value === "friend" ? "left  |  right" : "drag here";
    const rest = this.isCoarse ? "" : " · Space pause · R new game · X swap engines · G ghost ball";
    part("how-text").textContent = (move[part("against").value] || mine) + rest;
  }

  /** After each picture: the few things on the page that follow the game. Ten times a second is enough to read. */
  showFrame() {
    const {session, test} = this;
    if (this.loop.frames % 6 || test || !session) return;
    const label = session.paused ? "Play" : "Pause";
    if (part("play").textContent !== label) {
      part("play").textContent = label;
      if (session.message === "paused") part("news").textContent = "Paused.";
    }
    const radio = document.querySelector(`input[name=shows][value=${session.hasGhost ? "both" : session.shows}]`);
    if (!radio.checked) radio.checked = true;
    this.showError(session);
  }

  showError(session) {
    const {error} = session;
    const distance = error < 0.0005 ? "under 0.001" : error < 99.9995 ? error.toFixed(3) : "over 99";
    const text = !session.hasGhost ? "" : Number.isNaN(error) ? "the exact ball has scored"
      : `${distance} ball diameters from the rules`;
    if (part("error").textContent !== text) part("error").textContent = text;
    part("error").classList.toggle("far", error > 1);
  }

  /** Points, ends and swaps for those who listen to the page. */
  announce({kind, scores}) {
    const [left, right] = scores;
    const texts = {left_scored: `Left scores. ${left} to ${right}.`, right_scored: `Right scores. ${left} to ${right}.`,
      match_over: this.session.result, lost: `${this.session.failure}. R begins a new game.`,
      "now exact": "Now the exact engine plays.", "now learned": "Now the learned engine plays."};
    if (kind in texts) part("news").textContent = texts[kind];
  }

  // ------------------------------------------------------------------------------------------ real or dream?

  beginTest() {
    this.session.pause();
    this.seed += 1;
    const learned = this.learnedEngine({eventTemperature: 0, serveTemperature: 1});
    this.test = new BlindTest({learned, exact: new ExactEngine(learned.game), seed: this.seed,
      onChange: () => this.showTest(), onStop: () => this.endTest()});
    [part("settings").disabled, part("bar").hidden, part("blind").hidden] = [true, true, false];
    part("how-text").textContent = "Two trackers play. By the rules, or dreamt? Answer when you like.";
    part("error").textContent = "";
    this.attach(this.test);
    this.showTest();
    this.toStage();
  }

  showTest() {
    const {test} = this;
    part("ask").hidden = test.isDone;
    part("result").hidden = !test.isDone;
    part("count").textContent = `Rally ${test.number + 1} of ${test.rallies}`;
    part("news").textContent = test.isDone ? "" : `Rally ${test.number + 1} of ${test.rallies}. R real, D dream.`;
    if (test.isDone) this.showResult();
  }

  showResult() {
    const {test} = this;
    const {score, text} = test.verdict();
    part("how-text").textContent = `${test.rallies} rallies, ${test.rallies} answers.`;
    part("score").textContent = score;
    part("verdict").textContent = `${text} ${this.entry.facts}`;
    const word = (isDream) => (isDream ? "dream" : "real");
    part("answers").replaceChildren(...test.truths.map((truth, k) => {
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
    if (this.session) this.attach(this.session);
    this.showHow();
  }
}

/** Open the page: play, or say clearly why not. */
export function openPage() {
  window.addEventListener("error", (event) => {
    if (window.pong && window.pong.loop) window.pong.loop.stop();
    showTrouble(event.message);
  });
  try { window.pong = new Page(readData()); } catch (error) { showTrouble(error.message); return; }
  window.pong.toStage();
}

if (typeof document !== "undefined" && document.getElementById("pong-data")) openPage();
