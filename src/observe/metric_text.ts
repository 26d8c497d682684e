import { CLASSIC_BOUNDS, type HistogramStats } from "./latency_histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** A metric with its samples: one a set of labels. */
export type Metric =
  & { readonly name: string; readonly help: string }
  & (
    | { readonly type: "counter" | "gauge"; readonly samples: readonly (readonly [Labels, number])[] }
    | { readonly type: "histogram"; readonly samples: readonly (readonly [Labels, HistogramStats])[] }
  );

const ODD = /["\\\n]/;

/** What each bucket's line has between its other labels and its count. */
const LE_TEXTS = [...CLASSIC_BOUNDS.map((bound) => `le="${bound / 1e6}"} `), 'le="+Inf"} '];

/** Metrics in the text format of Prometheus, version 0.0.4; one without samples is left out. */
export function metricsText(metrics: readonly Metric[]): string {
  let text = "";
  /** Many metrics are of the same things: their labels are written once. */
  const written = new Map<Labels, string>();
  const textOf = (labels: Labels): string => {
    let text = written.get(labels);
    if (text === undefined) written.set(labels, text = labelsText(labels));
    return text;
  };
  for (const { name, type, help, samples } of metrics) {
    if (samples.length === 0) continue;
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [labels, value] of samples) {
      text += typeof value === "number"
        ? `${name}${inBraces(textOf(labels))} ${value}\n`
        : histogramLines(name, textOf(labels), value);
    }
  }
  return text;
}

function histogramLines(name: string, labels: string, { counts, sum_us }: HistogramStats): string {
  const head = `${name}_bucket{${labels === "" ? "" : `${labels},`}`;
  let text = "";
  let count = 0;
  for (const [at, own] of counts.entries()) {
    count += own;
    text += `${head}${LE_TEXTS[at]}${count}\n`;
  }
  const braced = inBraces(labels);
  return `${text}${name}_sum${braced} ${sum_us / 1e6}\n${name}_count${braced} ${count}\n`;
}

function inBraces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function labelsText(labels: Labels): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "" : ","}${name}="${escaped(labels[name]!)}"`;
  return text;
}

function escaped(value: string): string {
  if (!ODD.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
