import uPlot from "uplot";
import type { Series } from "../../admin/api.ts";
import { THEME_CHANGED } from "../theme.ts";
import { colour } from "./colours.ts";

/** Curves over one time. */
export interface ChartModel {
  readonly title: string;
  /** In ms since 1970. */
  readonly times: readonly number[];
  readonly curves: readonly ChartCurve[];
  /** Values at the axis and in the legend. */
  format(value: number): string;
  /** Times at the axis. */
  formatTime(at: number): string;
}

export interface ChartCurve {
  readonly label: string;
  readonly values: Series;
  /** Name of its colour. */
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly area?: boolean;
}

const HEIGHT = 180;
/** All charts of a view show the same moment under the pointer. */
const SYNC = "charts";

/** `<time-chart .model=…>`: curves with a legend that tells the values under the pointer, or the last ones. */
class TimeChart extends HTMLElement {
  #model: ChartModel | null = null;
  #chart: uPlot | null = null;
  readonly #legend = document.createElement("ul");
  readonly #plot = document.createElement("div");
  #observer: ResizeObserver | null = null;

  set model(model: ChartModel) {
    const before = this.#model;
    if (model === before) return;
    this.#model = model;
    const isSame = before !== null && before.curves.length === model.curves.length &&
      before.curves.every(({ label }, i) => label === model.curves[i]!.label);
    if (this.#chart === null || !isSame) this.#make();
    else this.#chart.setData(dataOf(model));
    this.#tell();
  }

  connectedCallback(): void {
    this.#legend.className = "chart-legend";
    this.#plot.className = "chart-plot";
    this.#plot.setAttribute("role", "img");
    this.replaceChildren(this.#legend, this.#plot);
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this);
    document.addEventListener(THEME_CHANGED, this.#make);
  }

  disconnectedCallback(): void {
    this.#observer?.disconnect();
    document.removeEventListener(THEME_CHANGED, this.#make);
    this.#chart?.destroy();
    this.#chart = null;
  }

  #fit(): void {
    const width = this.#plot.clientWidth;
    if (this.#chart === null) this.#make();
    else if (width > 0 && width !== this.#chart.width) this.#chart.setSize({ width, height: HEIGHT });
  }

  readonly #make = () => {
    const model = this.#model;
    const width = this.#plot.clientWidth;
    if (model === null || width === 0) return;
    this.#chart?.destroy();
    const axis = {
      stroke: colour("--ink-3"),
      font: `11px ${getComputedStyle(this).fontFamily}`,
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
    };
    this.#chart = new uPlot(
      {
        width,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        cursor: { sync: { key: SYNC }, points: { size: 6 }, drag: { x: false, y: false } },
        legend: { show: false },
        scales: { x: { time: true }, y: { range: (_chart, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 26,
            space: 70,
            values: (_chart, times) => times.map((time) => this.#model!.formatTime(time * 1000)),
          },
          {
            ...axis,
            size: 62,
            gap: 6,
            space: 34,
            values: (_chart, values) => values.map((value) => this.#model!.format(value)),
          },
        ],
        series: [
          {},
          ...model.curves.map((curve): uPlot.Series => ({
            stroke: colour(curve.colour),
            width: 1.5,
            points: { show: false },
            ...curve.dash === undefined ? {} : { dash: [...curve.dash] },
            ...curve.area === true ? { fill: withAlpha(colour(curve.colour)) } : {},
          })),
        ],
        hooks: { setCursor: [() => this.#tell()] },
      },
      dataOf(model),
      this.#plot,
    );
    this.#tell();
  };

  /** The legend: values under the pointer, else the last ones. */
  #tell(): void {
    const model = this.#model;
    if (model === null) return;
    const at = this.#chart?.cursor.idx ?? model.times.length - 1;
    const values = model.curves.map((curve) => curve.values[at] ?? null);
    if (this.#legend.childElementCount !== model.curves.length) {
      this.#legend.replaceChildren(...model.curves.map(() => legendItem()));
    }
    model.curves.forEach((curve, i) => {
      const item = this.#legend.children[i]!;
      const value = values[i] ?? null;
      (item.children[0] as HTMLElement).style.color = `var(${curve.colour})`;
      setText(item.children[1]!, curve.label);
      setText(item.children[2]!, value === null ? "–" : model.format(value));
    });
    const told = model.curves.map((curve) => {
      const last = curve.values.at(-1) ?? null;
      return `${curve.label} ${last === null ? "–" : model.format(last)}`;
    });
    this.#plot.setAttribute("aria-label", `${model.title}: ${told.join(", ")}`);
  }
}

function legendItem(): HTMLElement {
  const item = document.createElement("li");
  const swatch = document.createElement("i");
  swatch.className = "swatch";
  item.append(swatch, document.createElement("span"), document.createElement("b"));
  return item;
}

function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function dataOf({ times, curves }: ChartModel): uPlot.AlignedData {
  return [times.map((at) => at / 1000), ...curves.map(({ values }) => [...values])];
}

function withAlpha(value: string): string {
  return value.startsWith("rgb(") ? value.replace("rgb(", "rgba(").replace(")", ", 0.12)") : value;
}

customElements.define("time-chart", TimeChart);
