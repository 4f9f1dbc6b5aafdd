// Warning curves and the dot plot of shares, by Observable Plot.
import * as Plot from "@observablehq/plot";
import type { Figures, SharePoint } from "./data";
import { html, hue, legend, percent, QUIET, svg } from "./look";

const ORDER = ["territory_defended_fraction", "people_defended_fraction", "leakage_fraction", "false_warnings"];
const STYLE = { fontSize: "12px", background: "none" };

export function drawWarning(data: Figures, width: number): Node[] {
  const { minutes, curves } = data.warning;
  const columns = width < 520 ? 2 : width < 820 ? 3 : Math.min(6, data.architectures.length);
  const made: Node[] = [];
  data.sides.forEach((side, index) => {
    const grid = html("div", "small-plots");
    grid.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    for (const curve of curves.filter((each) => each.side === index)) {
      const each = Math.min(Math.floor((width - (columns - 1) * 8) / columns), 480);
      const rows = minutes.map((minute, k) => ({ minute, own: curve.own[k], known: curve.known[k] }));
      const plot = Plot.plot({
        width: each, height: Math.round(Math.min(190, each * 1.05)), marginLeft: 46, marginRight: 8, marginTop: 8, marginBottom: 34, style: STYLE,
        x: { label: "min before impact", ticks: 4, labelAnchor: "center", labelArrow: "none" },
        y: { label: null, domain: [0, 1], ticks: [0, 0.5, 1], tickFormat: (share: number) => percent(share), grid: true },
        marks: [
          Plot.areaY(rows, { x: "minute", y1: "own", y2: "known", fill: hue(index), fillOpacity: 0.18, curve: "step-before" }),
          Plot.line(rows, { x: "minute", y: "own", stroke: QUIET, strokeWidth: 1.5, curve: "step-before" }),
          Plot.line(rows, { x: "minute", y: "known", stroke: hue(index), strokeWidth: 2, curve: "step-before" }),
        ],
      });
      const never = curve.never === null ? "no threatening object" : `${percent(curve.never)} never warned of`;
      grid.append(html("div", "small-plot", html("p", "small-title", html("strong", "", curve.architecture), document.createElement("br"), never), plot));
    }
    made.push(html("p", `strip side-${index}`, side, html("small", "", "share warned of at least so many minutes before impact")), grid);
  });
  const keys = data.sides.map((side, index): [SVGElement, string] => [
    svg("path", { d: "M2,7h22", stroke: hue(index), "stroke-width": 2.4 }), `${side}, all it knows`,
  ]);
  const own: [SVGElement, string] = [svg("path", { d: "M2,7h22", stroke: QUIET, "stroke-width": 1.6 }), "own sensors alone"];
  return [...made, legend(...keys, ...(data.architectures.length > 1 ? [own] : []))];
}

export function drawShares(data: Figures, width: number): Node[] {
  const metrics = [...new Set(data.shares.map((point) => point.metric))].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const columns = width < 560 ? 1 : 2;
  const grid = html("div", "small-plots");
  grid.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
  for (const metric of metrics) {
    const points = data.shares.filter((point) => point.metric === metric);
    const each = Math.floor((width - (columns - 1) * 20) / columns);
    grid.append(html("div", "small-plot", html("p", "small-title", html("strong", "", points[0].label), points[0].share ? "" : ", per replicate"), dots(data, points, each)));
  }
  const keys = data.sides.map((side, index): [SVGElement, string] => [
    svg("circle", { cx: 13, cy: 7, r: 4.5, fill: hue(index) }), side,
  ]);
  return [grid, legend(
    ...keys,
    [svg("path", { d: "M3,7h20", stroke: QUIET, "stroke-width": 3 }), "95 % interval"],
    [svg("path", { d: "M1,7h24", stroke: QUIET, "stroke-width": 8, "stroke-opacity": 0.25 }), "nine in ten worlds"],
  )];
}

/** One row an architecture, its sides one under the other. */
function dots(data: Figures, points: SharePoint[], width: number): Node {
  const share = points[0].share;
  const ends = points.flatMap((point) => [point.high, point.wide ? point.wide[1] : 0]);
  const rows = points.map((point) => ({
    ...point,
    named: data.sides[point.side],
    left: point.wide ? point.wide[0] : point.mean,
    right: point.wide ? point.wide[1] : point.mean,
  }));
  const options = { y: "named", fy: "architecture" };
  const tint = (row: SharePoint) => hue(row.side);
  return Plot.plot({
    width, height: 40 + data.architectures.length * (12 + data.sides.length * 13), marginLeft: 88, marginRight: 30, marginTop: 6, marginBottom: 30, style: STYLE,
    x: share
      ? { domain: [0, 1], tickFormat: (value: number) => percent(value), label: null, ticks: 5 }
      : { domain: [0, Math.max(...ends, 1e-9) * 1.02], label: null, ticks: 5 },
    y: { type: "point", domain: data.sides, axis: null, padding: 0.6 },
    fy: { domain: data.architectures, label: null, padding: 0.15, axis: "left" },
    marks: [
      Plot.gridX({ stroke: "#d9dbd8", strokeOpacity: 1 }),
      Plot.link(rows, { ...options, x1: "left", x2: "right", y1: "named", y2: "named", stroke: tint, strokeWidth: 8, strokeOpacity: 0.2 }),
      Plot.link(rows, { ...options, x1: "low", x2: "high", y1: "named", y2: "named", stroke: tint, strokeWidth: 3 }),
      Plot.dot(rows, { ...options, x: "mean", fill: tint, r: 3.4, stroke: "#fff" }),
    ],
  });
}
