// Colours, and SVG elements without a library. Sides get equally strong hues that colour-blind readers tell apart.

export const SIDE_HUES = ["#75489f", "#b06a00", "#0b7a75", "#b0326c", "#5c6f1a", "#2b6a9b", "#8a4b2a", "#4a4a4a"];
export const INK = "#22262b";
export const QUIET = "#6b7178";
export const LAND = "#f1eee7";
export const WATER = "#e3ebf0";
export const NOBODY = "#8b9096";

export const hue = (side: number): string => SIDE_HUES[side % SIDE_HUES.length];

type Attributes = Record<string, string | number | undefined>;

export function svg(name: string, attributes: Attributes = {}, ...children: (Node | string)[]): SVGElement {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

export const titled = (words: string): SVGElement => svg("title", {}, words);

export function html(name: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const node = document.createElement(name);
  node.className = className;
  node.append(...children);
  return node;
}

/** A line of keys: each a small drawing and a word. */
export function legend(...keys: [SVGElement, string][]): HTMLElement {
  return html(
    "div",
    "legend",
    ...keys.map(([mark, words]) =>
      html("span", "key", svg("svg", { width: 26, height: 14, viewBox: "0 0 26 14", "aria-hidden": "true" }, mark), words),
    ),
  );
}

export const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)} %`;

/** Sand to deep green: one hue, evenly darker, so that it reads in grey and for colour-blind eyes. */
const STEPS = [
  [240, 235, 220],
  [196, 214, 190],
  [134, 184, 158],
  [66, 144, 128],
  [16, 98, 101],
  [6, 52, 66],
];
export function shade(share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (STEPS.length - 1);
  const k = Math.min(Math.floor(at), STEPS.length - 2);
  const [r, g, b] = STEPS[k].map((low, i) => Math.round(low + (STEPS[k + 1][i] - low) * (at - k)));
  return `rgb(${r},${g},${b})`;
}
