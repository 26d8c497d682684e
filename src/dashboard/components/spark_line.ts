import type { Series } from "../../admin/api.ts";
import { THEME_CHANGED } from "../theme.ts";
import { colour } from "./colours.ts";

/** What a small curve shows. */
export interface SparkModel {
  /** Drawn as a line over its area. */
  readonly line: Series;
  /** Drawn as red strokes from the ground, to the same scale. */
  readonly strokes?: Series;
  /** Name of the line's colour. */
  readonly colour?: string;
}

/** `<spark-line .model=…>`: a small curve. It is an ornament: what it shows stands beside it as a figure. */
class SparkLine extends HTMLElement {
  #model: SparkModel | null = null;
  readonly #canvas = document.createElement("canvas");
  #observer: ResizeObserver | null = null;

  set model(model: SparkModel | null) {
    if (model === this.#model) return;
    this.#model = model;
    this.#draw();
  }

  connectedCallback(): void {
    this.setAttribute("aria-hidden", "true");
    if (this.#canvas.parentNode === null) this.append(this.#canvas);
    this.#observer = new ResizeObserver(this.#draw);
    this.#observer.observe(this);
    document.addEventListener(THEME_CHANGED, this.#draw);
  }

  disconnectedCallback(): void {
    this.#observer?.disconnect();
    document.removeEventListener(THEME_CHANGED, this.#draw);
  }

  readonly #draw = () => {
    const { clientWidth: width, clientHeight: height } = this;
    const model = this.#model;
    const context = this.#canvas.getContext("2d");
    if (width === 0 || context === null) return;
    const scale = devicePixelRatio;
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.#canvas.width !== wide || this.#canvas.height !== high) {
      this.#canvas.width = wide;
      this.#canvas.height = high;
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    if (model === null) return;
    const { line, strokes = [] } = model;
    const most = Math.max(...line.map((value) => value ?? 0), ...strokes.map((value) => value ?? 0));
    const ground = height - 1;
    const x = (i: number) => (i / Math.max(1, line.length - 1)) * width;
    const y = (value: number) => ground - (most === 0 ? 0 : value / most) * (height - 4);
    context.strokeStyle = colour("--line");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, ground + 0.5);
    context.lineTo(width, ground + 0.5);
    context.stroke();
    if (most === 0) return;
    const curve = new Path2D();
    const area = new Path2D();
    let from = -1;
    line.forEach((value, i) => {
      if (value === null) {
        if (from >= 0) area.lineTo(x(i - 1), ground);
        from = -1;
        return;
      }
      if (from < 0) {
        from = i;
        curve.moveTo(x(i), y(value));
        area.moveTo(x(i), ground);
      } else curve.lineTo(x(i), y(value));
      area.lineTo(x(i), y(value));
    });
    if (from >= 0) area.lineTo(x(line.length - 1), ground);
    context.fillStyle = colour(model.colour ?? "--accent");
    context.globalAlpha = 0.13;
    context.fill(area);
    context.globalAlpha = 1;
    context.strokeStyle = context.fillStyle;
    context.lineWidth = 1.35;
    context.lineJoin = "round";
    context.stroke(curve);
    context.strokeStyle = colour("--bad");
    context.lineWidth = Math.max(1.2, width / line.length * 0.8);
    context.beginPath();
    strokes.forEach((value, i) => {
      if (value === null || value === 0) return;
      context.moveTo(x(i), ground);
      // Few failures among many are seen, too.
      context.lineTo(x(i), Math.min(y(value), ground - 2.5));
    });
    context.stroke();
  };
}

customElements.define("spark-line", SparkLine);
