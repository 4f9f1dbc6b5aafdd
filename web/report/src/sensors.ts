// Map (a): who looks where, and where interceptors stand.
import type { Figures, Line, Radar } from "./data";
import { html, hue, INK, legend, QUIET, svg, titled } from "./look";
import { chart, Labels, polygon, type Chart } from "./map";

export function drawSensors(data: Figures, width: number): Node[] {
  const radars = data.sensors;
  const shown: Line = [...data.ground.frame, ...radars.map((radar) => radar.at), ...data.sites.map((site) => site.at)];
  const made = chart(data.ground, data.sides, withinReach(shown, data), width, "Sensors, coverage and interceptor sites");
  for (const radar of radars) drawFans(made, radar);
  const labels = new Labels(made);
  drawMarks(made, data, radars, labels);
  const write = (wide: boolean) => {
    for (const each of data.labels.filter((label) => label.wide === wide)) {
      labels.add(each.at, each.words, hue(each.side), wide ? 12 : 10, wide ? 600 : 500);
    }
  };
  write(true);
  for (const place of data.places) labels.add(place.at, place.title, INK, 11);
  write(false);
  const far = radars.filter((radar) => !made.place(radar.at)).map((radar) => `${radar.short} (${data.sides[radar.side]})`);
  const outside = far.length ? [html("p", "small-title", `Radars outside the map: ${far.join(", ")}.`)] : [];
  return [made.root, keys(data), ...outside];
}

const same = (a: Line | null, b: Line | null): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The frame of the raid, and what lies not too far from its middle: distant radars fall outside, as the legend says. */
function withinReach(points: Line, data: Figures): Line {
  const [lon, lat] = data.ground.middle;
  return points.filter(([x, y]) => Math.hypot((x - lon) * Math.cos((lat * Math.PI) / 180), y - lat) < 34);
}

function drawFans({ root, path }: Chart, radar: Radar): void {
  const fans = radar.fans;
  const dashed = { fill: "none", stroke: hue(radar.side), "stroke-width": 0.8, "stroke-dasharray": "3 3", "stroke-opacity": 0.7 };
  for (const edge of [fans.low, fans.high]) {
    if (edge && !same(edge, fans.value)) root.append(svg("path", { d: path(polygon(edge)) ?? "", ...dashed }));
  }
  if (fans.value) {
    root.append(
      svg(
        "path",
        {
          d: path(polygon(fans.value)) ?? "", fill: hue(radar.side), "fill-opacity": 0.05, stroke: hue(radar.side),
          "stroke-width": 1.3, "stroke-opacity": 0.85, class: "fan",
        },
        titled(radar.title),
      ),
    );
  }
}

function drawMarks({ root, place }: Chart, data: Figures, radars: Radar[], labels: Labels): void {
  for (const site of data.sites) {
    const at = place(site.at);
    if (!at) continue;
    labels.keepFree(at, 4);
    root.append(
      svg(
        "path",
        { d: `M${at[0]},${at[1] - 6}l5.2,9.5h-10.4z`, fill: "#fff", stroke: hue(site.side), "stroke-width": 1.5, class: "site" },
        titled(`${site.title}: interceptors`),
      ),
    );
  }
  for (const radar of radars) {
    const at = place(radar.at);
    if (!at) continue;
    const size = radar.fans.value ? 4.2 : 2.4;
    labels.keepFree(at, size);
    root.append(
      svg("circle", { cx: at[0], cy: at[1], r: size, fill: hue(radar.side), stroke: "#fff", "stroke-width": 1 }, titled(radar.title)),
    );
  }
  for (const spot of data.places) {
    const at = place(spot.at);
    if (!at) continue;
    labels.keepFree(at, 5);
    root.append(
      svg("path", { d: `M${at[0] - 4},${at[1] - 4}l8,8m0,-8l-8,8`, stroke: INK, "stroke-width": 1.8 }, titled(`${spot.title}: launches`)),
    );
  }
}

function keys(data: Figures): HTMLElement {
  const small = data.sensors.some((radar) => !radar.fans.value);
  const ends = data.sensors.some(({ fans }) => [fans.low, fans.high].some((edge) => edge && !same(edge, fans.value)));
  const some: [SVGElement, string][] = [];
  if (small) some.push([svg("circle", { cx: 13, cy: 7, r: 2.4, fill: QUIET }), "radar that does not reach 300 km up"]);
  if (ends) some.push([svg("path", { d: "M2,7h22", stroke: QUIET, "stroke-dasharray": "3 3" }), "low and high end of a radar's range"]);
  return legend(
    ...data.sides.map((side, index): [SVGElement, string] => [
      svg("rect", { x: 2, y: 2, width: 22, height: 10, fill: hue(index), "fill-opacity": 0.25, stroke: hue(index) }), side,
    ]),
    [svg("circle", { cx: 13, cy: 7, r: 4.2, fill: QUIET }), "radar"],
    [svg("path", { d: "M13,1l5.2,9.5h-10.4z", fill: "#fff", stroke: QUIET, "stroke-width": 1.5 }), "interceptors"],
    [svg("path", { d: "M9,3l8,8m0,-8l-8,8", stroke: INK, "stroke-width": 1.8 }), "launch place"],
    ...some,
  );
}
