// The ground every map stands on, and labels that keep out of one another's way.
import { geoArea, geoAzimuthalEqualArea, geoGraticule, geoPath, type GeoPath, type GeoProjection } from "d3-geo";
import type { Ground, Line, Point } from "./data";
import { hue, INK, LAND, svg, titled, WATER } from "./look";

export interface Chart {
  root: SVGElement;
  width: number;
  height: number;
  projection: GeoProjection;
  path: GeoPath;
  place(point: Point): Point | null;
}

const PADDING = 14;

/** A map that shows all the points given; the height follows from them. */
export function chart(ground: Ground, sides: string[], shown: Line, width: number, words: string): Chart {
  const projection = geoAzimuthalEqualArea().rotate([-ground.middle[0], -ground.middle[1]]).precision(0.4);
  const points = { type: "MultiPoint" as const, coordinates: shown };
  projection.fitWidth(width - 2 * PADDING, points);
  const bounds = geoPath(projection).bounds(points);
  const height = Math.round(Math.min(bounds[1][1] - bounds[0][1] + 2 * PADDING, width * 0.82));
  projection.fitExtent([[PADDING, PADDING], [width - PADDING, height - PADDING]], points);
  projection.clipExtent([[-2, -2], [width + 2, height + 2]]);
  const path = geoPath(projection).digits(1);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "map", "aria-hidden": "true" });
  root.append(titled(words));
  const place = (point: Point): Point | null => {
    const at = projection(point);
    return at && at[0] >= 0 && at[0] <= width && at[1] >= 0 && at[1] <= height ? at : null;
  };
  const made = { root, width, height, projection, path, place };
  drawGround(made, ground, sides);
  return made;
}

function drawGround({ root, width, height, path }: Chart, ground: Ground, sides: string[]): void {
  root.append(svg("rect", { width, height, fill: WATER }));
  root.append(svg("path", { d: path(geoGraticule().step([10, 10])()) ?? "", fill: "none", stroke: "#fff", "stroke-width": 0.6 }));
  root.append(svg("path", { d: path(ground.land) ?? "", fill: LAND }));
  ground.territories.forEach((territory, side) => {
    root.append(
      svg("path", { d: path(territory) ?? "", fill: hue(side), "fill-opacity": 0.16, class: "territory" }, titled(sides[side])),
    );
  });
  const lines = { type: "MultiLineString" as const, coordinates: ground.borders };
  root.append(svg("path", { d: path(lines) ?? "", fill: "none", stroke: "#a9aaa6", "stroke-width": 0.5, class: "borders" }));
}

/** A closed line as a polygon that d3 takes for its inside, whichever way round it was written. */
export function polygon(...rings: Line[]): { type: "Polygon"; coordinates: Line[] } {
  const turned = rings.map((ring) =>
    geoArea({ type: "Polygon", coordinates: [ring] }) > 2 * Math.PI ? [...ring].reverse() : ring,
  );
  return { type: "Polygon", coordinates: turned };
}

type Box = [number, number, number, number];

/** Places words beside points where there is room; what finds none is left to its tooltip. Returns what was left out. */
export class Labels {
  private readonly taken: Box[] = [];

  constructor(private readonly chart: Chart) {}

  keepFree([x, y]: Point, radius: number): void {
    this.taken.push([x - radius, y - radius, x + radius, y + radius]);
  }

  add(point: Point, words: string, colour = INK, size = 11, weight = 500): boolean {
    const at = this.chart.place(point);
    if (!at) return true;
    const wide = words.length * size * (weight < 600 ? 0.56 : 0.62) + 4;
    const tall = size + 2;
    for (const distance of [8, 15, 24, 36]) {
      for (const [dx, dy] of AROUND) {
        const x = at[0] + dx * distance + (dx < -0.3 ? -wide : dx > 0.3 ? 0 : -wide / 2);
        const y = at[1] + dy * distance + (dy < -0.3 ? -tall : dy > 0.3 ? 0 : -tall / 2);
        const box: Box = [x, y, x + wide, y + tall];
        if (!this.free(box)) continue;
        this.taken.push(box);
        this.chart.root.append(
          svg(
            "text",
            {
              x: (x + 2).toFixed(1), y: (y + size - 1).toFixed(1), "font-size": size, "font-weight": weight, fill: colour,
              stroke: "#fff", "stroke-width": 3, "stroke-opacity": 0.85, "paint-order": "stroke", "stroke-linejoin": "round",
            },
            words,
          ),
        );
        return true;
      }
    }
    return false;
  }

  private free([left, top, right, bottom]: Box): boolean {
    if (left < 2 || top < 2 || right > this.chart.width - 2 || bottom > this.chart.height - 2) return false;
    return !this.taken.some((b) => left < b[2] && right > b[0] && top < b[3] && bottom > b[1]);
  }
}

const AROUND: Point[] = [
  [1, 0], [-1, 0], [0.7, -0.7], [0.7, 0.7], [-0.7, -0.7], [-0.7, 0.7], [0, -1], [0, 1],
];
