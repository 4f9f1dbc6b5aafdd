// Map (c): small maps of the share of impacts that could have been met, one an architecture.
import type { Figures } from "./data";
import { html, percent, shade, svg, titled } from "./look";
import { chart, polygon } from "./map";

export function drawDefended(data: Figures, width: number): Node[] {
  const columns = width < 560 ? 1 : width < 820 ? 2 : 3;
  const each = Math.floor((width - (columns - 1) * 14) / columns);
  const grid = html("div", "small-maps");
  for (const architecture of data.architectures) grid.append(smallMap(data, architecture, each));
  return [grid, scale()];
}

function smallMap(data: Figures, architecture: string, width: number): HTMLElement {
  const defended = data.defended!;
  const shares = defended.shares[architecture];
  const made = chart(data.ground, data.sides, data.ground.frame, width, `Defended ground under ${architecture}`);
  const most = Math.max(...defended.count);
  defended.rings.forEach((ring, index) => {
    const size = Math.max(0.35, Math.sqrt(Math.min(1, defended.count[index] / (0.4 * most))));
    const middle = mean(ring);
    const shrunk = ring.map(([x, y]): [number, number] => [middle[0] + (x - middle[0]) * size, middle[1] + (y - middle[1]) * size]);
    made.root.append(
      svg(
        "path",
        { d: made.path(polygon(shrunk)) ?? "", fill: shade(shares[index]), stroke: "#5b6a68", "stroke-width": 0.35, class: "hexagon" },
        titled(`${percent(shares[index])} of ${defended.count[index]} impacts`),
      ),
    );
  });
  const total = defended.count.reduce((a, b) => a + b, 0);
  const whole = defended.count.reduce((sum, count, index) => sum + count * shares[index], 0) / Math.max(total, 1);
  const words = html("p", "small-title", html("strong", "", architecture), ` ${percent(whole, 1)} of ${total.toLocaleString("en")} impacts`);
  return html("div", "small-map", made.root, words);
}

function mean(ring: [number, number][]): [number, number] {
  const corners = ring.slice(0, -1);
  return [
    corners.reduce((sum, point) => sum + point[0], 0) / corners.length,
    corners.reduce((sum, point) => sum + point[1], 0) / corners.length,
  ];
}

function scale(): HTMLElement {
  const steps = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const bar = svg("svg", { width: 260, height: 34, viewBox: "0 0 260 34", "aria-hidden": "true" });
  for (let k = 0; k < 60; k++) bar.append(svg("rect", { x: 14 + k * 3.6, y: 2, width: 3.7, height: 11, fill: shade(k / 59) }));
  for (const step of steps) {
    bar.append(svg("text", { x: 14 + step * 216, y: 28, "font-size": 11, "text-anchor": "middle", fill: "#444" }, `${Math.round(step * 100)} %`));
  }
  return html("div", "legend", html("span", "key", "share with at least one opportunity", bar));
}
