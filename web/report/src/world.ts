// Map (b): one recorded world from above, and the same flights from the side.
import * as Plot from "@observablehq/plot";
import type { Ellipse, Figures, Flight, Line } from "./data";
import { hue, INK, legend, NOBODY, QUIET, svg, titled } from "./look";
import { chart, Labels, polygon } from "./map";

const colour = (flight: Flight): string => (flight.sides.length ? hue(flight.sides[0]) : NOBODY);
const PALE_KM = 1500; // an ellipse that says little must not hide those that say more
const clock = (seconds: number): string => `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

export function drawWorld(data: Figures, width: number, architecture: string): Node[] {
  const world = data.world!;
  const shown: Line = [...data.ground.frame, ...world.flights.map((flight) => flight.impact)];
  const made = chart(data.ground, data.sides, shown, width, `One world under ${architecture}`);
  const { root, path, place } = made;
  for (const flight of world.flights) {
    const line = { type: "LineString" as const, coordinates: flight.track };
    const words = `Object ${flight.object}: ${flight.range_km} km far, ${flight.apogee_km} km high, impact at ${clock(flight.impact_s)}`;
    root.append(
      svg("path", { d: path(line) ?? "", fill: "none", stroke: colour(flight), "stroke-width": 1.1, "stroke-opacity": 0.55, class: "flight" }, titled(words)),
    );
  }
  const pale = (ellipse: Ellipse) => ellipse.major_km > PALE_KM;
  const seen = world.seen[architecture] ?? { ellipses: [], shots: [] };
  for (const ellipse of seen.ellipses) {
    root.append(
      svg(
        "path",
        {
          d: path(polygon(ellipse.ring)) ?? "", fill: hue(ellipse.side), "fill-opacity": pale(ellipse) ? 0 : ellipse.major_km > 400 ? 0.03 : 0.1,
          stroke: hue(ellipse.side), "stroke-width": 1.2, "stroke-opacity": pale(ellipse) ? 0.35 : 1,
          "stroke-dasharray": ellipse.assisted ? "4 2.5" : undefined, class: "ellipse",
        },
        titled(`Warning to ${data.sides[ellipse.side]} at ${clock(ellipse.time_s)}: half axis ${ellipse.major_km} km`),
      ),
    );
  }
  const labels = new Labels(made);
  for (const flight of world.flights) {
    const at = place(flight.impact);
    if (!at) continue;
    labels.keepFree(at, 4);
    root.append(svg("circle", { cx: at[0], cy: at[1], r: 3.4, fill: colour(flight), stroke: "#fff", "stroke-width": 1, class: "impact" }));
  }
  for (const shot of seen.shots) {
    const at = place(shot.at);
    if (!at) continue;
    root.append(
      svg(
        "path",
        {
          d: star(at[0], at[1]), fill: shot.hit ? INK : "#fff", stroke: INK, "stroke-width": 0.9, class: "shot",
        },
        titled(`Shot by ${data.sides[shot.side]} to meet its object ${shot.height_km} km high: ${shot.hit ? "intercepted" : "not intercepted"}`),
      ),
    );
  }
  for (const spot of data.places) {
    const at = place(spot.at);
    if (at) root.append(svg("path", { d: `M${at[0] - 4},${at[1] - 4}l8,8m0,-8l-8,8`, stroke: INK, "stroke-width": 1.8 }));
    labels.add(spot.at, spot.title, INK, 12, 600);
  }
  return [root, keys(data, seen.shots.length > 0)];
}

/** A four-pointed cross with a body, so that hollow and filled differ. */
function star(x: number, y: number): string {
  return `M${x},${y - 6}l1.7,4.3l4.3,1.7l-4.3,1.7l-1.7,4.3l-1.7,-4.3l-4.3,-1.7l4.3,-1.7z`;
}

function keys(data: Figures, shots: boolean): HTMLElement {
  const sides = data.sides.map((side, index): [SVGElement, string] => [
    svg(
      "g", {},
      svg("path", { d: "M1,12L21,4", stroke: hue(index), "stroke-width": 1.3 }),
      svg("circle", { cx: 21.5, cy: 4, r: 3.4, fill: hue(index) }),
    ),
    `flight and impact, bound for ${side}`,
  ]);
  const marks: [SVGElement, string][] = [
    [svg("ellipse", { cx: 13, cy: 7, rx: 11, ry: 5, fill: "none", stroke: QUIET, "stroke-width": 1.3 }), "95 % of impact as first stated, own sensors"],
    [svg("ellipse", { cx: 13, cy: 7, rx: 11, ry: 5, fill: "none", stroke: QUIET, "stroke-width": 1.3, "stroke-dasharray": "4 2.5" }), "with the partner's data"],
  ];
  if (shots) {
    marks.push([svg("path", { d: star(13, 7), fill: INK }), "shot, intercepted"]);
    marks.push([svg("path", { d: star(13, 7), fill: "#fff", stroke: INK }), "shot, not intercepted"]);
  }
  return legend(...sides, ...marks);
}

export function drawProfile(data: Figures, width: number): Node[] {
  const flights = data.world!.flights;
  const rows = flights.flatMap((flight) => flight.profile.map(([away, high]) => ({ away, high, object: flight.object, stroke: colour(flight) })));
  const far = Math.max(...rows.map((row) => row.away), 1);
  const top = Math.max(...rows.map((row) => row.high), 1);
  const inner = width - 60;
  const height = Math.max(160, Math.min(420, (inner * top * 1.05) / far + 60));
  const plot = Plot.plot({
    width, height, marginLeft: 48, marginBottom: 40, marginRight: 12, style: { fontSize: "12px", background: "none" },
    x: { label: "ground distance from launch, km →", domain: [0, far], labelAnchor: "right" },
    y: { label: "↑ height, km", domain: [0, top * 1.05], grid: true, ticks: 5 },
    marks: [
      Plot.line(rows, { x: "away", y: "high", z: "object", stroke: "stroke", strokeWidth: 1.2, strokeOpacity: 0.7 }),
      Plot.ruleY([0], { stroke: QUIET }),
    ],
  });
  return [plot];
}
