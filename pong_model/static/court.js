/** The court as a picture, keys and fingers as wishes, and the loop that joins them. The twin of render.py. */
import {
  LEFT_Y, RIGHT_Y, LEFT_POINTS, RIGHT_POINTS, COURT_SCALE, PRESENT, X, Y,
} from "./rules.js";
import {LEFT_SIDE, RIGHT_SIDE, ballsIn, slotOf} from "./session.js";

/** As `render.COLOURS`; but the points, which must be readable, a little brighter: a contrast of 3.3 with the court. */
export const COLOURS = {
  outside: "rgb(4, 5, 8)", court: "rgb(14, 17, 26)", line: "rgb(50, 58, 76)", score: "rgb(90, 103, 130)",
  paddle: "rgb(230, 234, 242)", flash: "rgb(255, 209, 102)", ball: "rgb(255, 255, 255)", ghost: "rgb(255, 111, 89)",
  text: "rgb(150, 162, 188)",
};
const STILL_KINDS = ["court", "line", "score"];
/** Rows of three bits for the digits 0 to 9, as in render.py. */
const DIGITS = "75557 26227 71747 71717 55711 74717 74757 71111 75757 75717".split(" ");
const TEXT_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** A whole number written in bricks: blocks [kind, x, y, width, height], x being its middle and y its upper edge. */
export function numberBlocks(number, x, y, brick) {
  if (!Number.isFinite(number)) return [];
  const digits = String(Math.max(0, Math.min(Math.round(number), 99999)));
  const left = x - brick * (4 * digits.length - 1) / 2;
  const blocks = [];
  [...digits].forEach((digit, place) => [...DIGITS[digit]].forEach((bits, row) => {
    for (let column = 0; column < 3; column++) {
      if (Number(bits) & (4 >> column)) {
        blocks.push(["score", left + brick * (4 * place + column + 0.5), y + brick * (row + 0.5), brick, brick]);
      }
    }
  }));
  return blocks;
}

/** What stands still: the court, the line in its middle, the points. Lengths in court heights. */
export function sceneryBlocks(scale, leftPoints, rightPoints, details = true) {
  const blocks = [["court", 0, 0, 2 * scale, scale]];
  if (!details) return blocks;
  for (let k = 0; k < 21; k++) blocks.push(["line", 0, scale * (k - 10) / 21, scale * 0.008, scale / 42]);
  for (const [points, x] of [[leftPoints, -0.22], [rightPoints, 0.22]]) {
    blocks.push(...numberBlocks(points, x * scale, -0.44 * scale, 0.025 * scale));
  }
  return blocks;
}

/** A square frame around a ball, as four blocks that do not overlap. */
export function hollowBlocks(x, y, size) {
  const [outer, thick] = [1.9 * size, 0.3 * size];
  const [edge, inner] = [(outer - thick) / 2, outer - 2 * thick];
  return [["ghost", x, y - edge, outer, thick], ["ghost", x, y + edge, outer, thick],
    ["ghost", x - edge, y, thick, inner], ["ghost", x + edge, y, thick, inner]];
}

/** [x, y] of the balls of a state that are present, and somewhere. */
export function placesOf(state) {
  return Array.from({length: ballsIn(state)}, (_, k) => slotOf(k))
    .filter((at) => state[at + PRESENT] > 0.5 && Number.isFinite(state[at + X]) && Number.isFinite(state[at + Y]))
    .map((at) => [state[at + X], state[at + Y]]);
}

/** Everything that is to be seen of a state, from back to front: blocks [kind, x, y, width, height]. */
export function blocksOf(state, config, {ghost = null, details = true, flash = [false, false]} = {}) {
  const size = 2 * config.ball_radius;
  const scale = Number.isFinite(state[COURT_SCALE]) ? state[COURT_SCALE] : config.court_scale;
  const middle = scale - config.paddle_width / 2;
  const blocks = sceneryBlocks(scale, state[LEFT_POINTS], state[RIGHT_POINTS], details);
  for (const [x, y, isLit] of [[-middle, state[LEFT_Y], flash[0]], [middle, state[RIGHT_Y], flash[1]]]) {
    if (Number.isFinite(y)) {
      blocks.push([isLit ? "flash" : "paddle", x, y, config.paddle_width, config.paddle_height]);
    }
  }
  if (ghost) for (const [x, y] of placesOf(ghost)) blocks.push(...hollowBlocks(x, y, size));
  for (const [x, y] of placesOf(state)) blocks.push(["ball", x, y, size, size]);
  return blocks;
}

/** The scale of the court that fills the picture. */
export function spanOf(config) { return config.court_scale_walk ? 1.5 : config.court_scale; }

/** A line of text as rows that are no wider than `room` by the measure `widthOf`; a word is never broken. */
export function wrapped(line, room, widthOf) {
  const rows = [""];
  for (const word of line.split(" ")) {
    const longer = `${rows.at(-1)} ${word}`.trim();
    if (rows.at(-1) && widthOf(longer) > room) rows.push(word); else rows[rows.length - 1] = longer;
  }
  return rows;
}

/** Text smaller than this (pixels of the page) is broken into rows instead. */
const SMALLEST_TEXT = 12;

/** A canvas that shows states. It takes the size that the page gives its canvas, at the screen's own resolution. */
export class Court {
  /** rests: draw nothing where the picture would be as the last one; nobody else may draw on the canvas then. */
  constructor(canvas, game, {rests = false} = {}) {
    this.canvas = canvas;
    this.config = game.config;
    this.rests = rests;
    this.look = [];
    this.context = canvas.getContext("2d", {alpha: false});
  }

  /** Another game on the same canvas. */
  setGame(game) { this.config = game.config; }

  /** Fit the canvas' own pixels to the screen's; only where they differ, since that clears the picture. */
  fit() {
    this.ratio = (typeof window !== "undefined" && window.devicePixelRatio) || 1;
    const {clientWidth, clientHeight} = this.canvas;
    const [width, height] = [clientWidth || 800, clientHeight || 400]
      .map((n) => Math.max(2, Math.round(n * this.ratio)));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    return this.ratio;
  }

  /** Where the court stands on the canvas, in its pixels: twice as wide as high, in the middle. */
  place() {
    const {width, height} = this.canvas;
    const across = Math.min(width, 2 * height);
    return {left: (width - across) / 2, top: (height - across / 2) / 2, unit: across / (2 * spanOf(this.config))};
  }

  /** Show a state. ghost: a second one; flash: which paddles light up; message large, hint below, status at an edge. */
  draw(state, {ghost = null, flash = [false, false], message = "", status = "", hint = ""} = {}) {
    const {context, canvas} = this;
    const ratio = this.fit();
    if (this.rests && !this.isNew([...state, ...(ghost || []), ...flash, message, status, hint, this.config])) return;
    const {left, top, unit} = this.place();
    const middle = [left + unit * spanOf(this.config), top + unit * spanOf(this.config) / 2];
    context.fillStyle = COLOURS.outside;
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const block of blocksOf(state, this.config, {ghost, flash})) this.fill(block, middle, unit);
    const rows = 2 * (middle[1] - top);
    const small = Math.min(Math.max(10 * ratio, rows / 32), 16 * ratio);
    if (message) this.dim();
    this.write(message, "paddle", Math.max(15 * ratio, rows / 15), middle[0], top + 0.36 * rows, "center", 600);
    this.write(hint, "text", small, middle[0], top + 0.64 * rows, "center");
    this.write(status, "text", small, left + 0.05 * rows, top + 0.965 * rows, "left");
  }

  /** Is there something in this list, or in the canvas' size, that is not as it was the last time? */
  isNew(things) {
    const look = [...things, this.canvas.width, this.canvas.height];
    const isSame = look.length === this.look.length && look.every((thing, i) => Object.is(thing, this.look[i]));
    this.look = look;
    return !isSame;
  }

  /** One block. What stands still begins and ends at whole pixels, what moves does not; none is thinner than one. */
  fill([kind, x, y, width, height], middle, unit) {
    const [w, h] = [Math.max(1, width * unit), Math.max(1, height * unit)];
    const [left, top] = [middle[0] + x * unit - w / 2, middle[1] + y * unit - h / 2];
    this.context.fillStyle = COLOURS[kind];
    if (!STILL_KINDS.includes(kind)) return this.context.fillRect(left, top, w, h);
    const [atX, atY] = [Math.round(left), Math.round(top)];
    return this.context.fillRect(atX, atY, Math.round(left + w) - atX, Math.round(top + h) - atY);
  }

  /** Let the picture step back behind a message. */
  dim() {
    this.context.fillStyle = "rgba(14, 17, 26, 0.62)";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Lines of text, as large as asked for but never wider than the canvas; y is their middle. */
  write(text, colour, size, x, y, align, weight = 400) {
    if (!text) return;
    const {context, canvas} = this;
    const [lines, room] = [text.split("\n"), 0.94 * canvas.width];
    const font = (pixels) => { context.font = `${weight} ${pixels}px ${TEXT_FONT}`; };
    const widthOf = (line) => context.measureText(line).width;
    font(size);
    const fitting = size * Math.min(1, room / Math.max(...lines.map(widthOf)));
    const readable = Math.max(fitting, Math.min(size, SMALLEST_TEXT * this.ratio));
    font(readable);
    const rows = lines.flatMap((line) => wrapped(line, room, widthOf));
    context.fillStyle = COLOURS[colour];
    context.textAlign = align;
    context.textBaseline = "middle";
    rows.forEach((row, k) => context.fillText(row, x, y + 1.3 * readable * (k - (rows.length - 1) / 2)));
  }
}

/** What a key of the keyboard is called: small letters, `up`, `down`, `space`, `enter`, ... */
export function keyName(event) {
  const known = {ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", " ": "space"};
  if (event.key in known) return known[event.key];
  const isForeign = event.key.length === 1 && event.key > "~" && /^Key[A-Z]$/.test(event.code || "");
  return (isForeign ? event.code.slice(3) : event.key).toLowerCase();
}

/** Keys reach the game, and only the game, while `element` has the focus; Tab and the browser's shortcuts pass. */
export class Keys {
  /** pauses: called when the focus is lost; says whether the game pauses then. */
  constructor(element, session, {pauses = () => true} = {}) {
    this.element = element;
    this.session = session;
    this.pauses = pauses;
    this.handlers = {keydown: (event) => this.press(event, true), keyup: (event) => this.press(event, false),
      blur: () => this.leave()};
  }

  attach() {
    if (this.element.tabIndex < 0) this.element.tabIndex = 0;
    for (const [name, handler] of Object.entries(this.handlers)) this.element.addEventListener(name, handler);
    return this;
  }

  detach() {
    for (const [name, handler] of Object.entries(this.handlers)) this.element.removeEventListener(name, handler);
  }

  press(event, isDown) {
    const isForBrowser = event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey
      || /^F\d+$/.test(event.key);
    if (isForBrowser && isDown) return;
    if (!isForBrowser) { event.preventDefault(); event.stopPropagation(); }
    if (!event.repeat) this.session.key(keyName(event), isDown);
  }

  leave() {
    this.session.release();
    if (this.pauses()) this.session.pause();
  }
}

/** A finger (or a mouse held down) on a half of `element` moves that side's paddle; a touch ends a pause. */
export class Touch {
  constructor(element, session) {
    this.element = element;
    this.session = session;
    this.sides = new Map();
    this.handlers = {pointerdown: (event) => this.down(event), pointermove: (event) => this.move(event),
      pointerup: (event) => this.up(event), pointercancel: (event) => this.up(event)};
  }

  attach() {
    this.element.style.touchAction = "none";
    for (const [name, handler] of Object.entries(this.handlers)) this.element.addEventListener(name, handler);
    return this;
  }

  detach() {
    for (const [name, handler] of Object.entries(this.handlers)) this.element.removeEventListener(name, handler);
  }

  /** Which paddle a finger moves: that of its half, or the only person's. */
  sideOf(event) {
    const {humans} = this.session;
    const {left, width} = this.element.getBoundingClientRect();
    const half = event.clientX < left + width / 2 ? LEFT_SIDE : RIGHT_SIDE;
    return humans.length === 1 ? humans[0] : half;
  }

  /** Where a finger is, in court heights below the middle. */
  heightOf(event) {
    const {top, height} = this.element.getBoundingClientRect();
    return spanOf(this.session.config) * ((event.clientY - top) / height - 0.5);
  }

  down(event) {
    if (event.button) return;
    if (this.element.setPointerCapture) this.element.setPointerCapture(event.pointerId);
    if (this.session.paused) this.session.resume();
    this.sides.set(event.pointerId, this.sideOf(event));
    this.move(event);
  }

  move(event) {
    const side = this.sides.get(event.pointerId);
    if (side !== undefined) this.session.point(side, this.heightOf(event));
  }

  up(event) {
    const side = this.sides.get(event.pointerId);
    this.sides.delete(event.pointerId);
    if (side !== undefined && ![...this.sides.values()].includes(side)) this.session.point(side, null);
  }
}

/** What is written on the court of a session: what plays, what cannot be done, and in a pause the keys. */
export function captionsOf(session) {
  const hint = session.notice || (session.message ? session.hint : "");
  return {message: session.message, hint, status: session.status};
}

/** Lets a session follow the clock and a court show it, picture by picture; `gaps` are the last 1,000 gaps in ms. */
export class Loop {
  /**
   * onFrame(session, now): called after each picture. captions(session): {message, hint, status} to write on it.
   * flashes(): whether paddles light up.
   */
  constructor(session, court, {onFrame = () => {}, captions = captionsOf, flashes = () => true} = {}) {
    this.session = session;
    this.court = court;
    this.onFrame = onFrame;
    this.captions = captions;
    this.flashes = flashes;
    this.gaps = [];
    this.frames = 0;
    this.request = null;
    this.before = null;
  }

  start() {
    if (this.request === null) this.request = requestAnimationFrame((now) => this.frame(now));
    return this;
  }

  stop() {
    if (this.request !== null) cancelAnimationFrame(this.request);
    this.request = this.before = null;
  }

  /** One picture: play what is due, draw, and tell the page. */
  frame(now) {
    this.request = requestAnimationFrame((later) => this.frame(later));
    if (this.before !== null) {
      this.gaps[this.frames % 1000] = now - this.before;
      this.frames += 1;
      this.session.advance(Math.max(0, now - this.before) / 1000, true);
    }
    this.before = now;
    this.draw();
    this.onFrame(this.session, now);
  }

  draw() {
    const {session} = this;
    const flash = session.flash.map((left) => left > 0 && this.flashes());
    this.court.draw(session.shown(true), {ghost: session.ghostState, flash, ...this.captions(session)});
  }
}
