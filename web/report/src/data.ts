// What the page hands over. Python computes it (detente.report.figures); nothing is computed here but places on screen.
import type { MultiPolygon } from "geojson";

export type Point = [number, number]; // lon, lat in degrees
export type Line = Point[];

export interface Curve {
  architecture: string;
  side: number;
  objects: number;
  own: number[];
  known: number[];
  never: number | null;
  never_own: number | null;
}

export interface SharePoint {
  metric: string;
  label: string;
  architecture: string;
  side: number;
  mean: number;
  low: number;
  high: number;
  wide: [number, number] | null;
  share: boolean;
}

export interface Radar {
  title: string;
  short: string;
  side: number;
  at: Point;
  fans: { value: Line | null; low: Line | null; high: Line | null };
}

export interface Label {
  side: number;
  at: Point;
  words: string;
  wide: boolean;
}

export interface Flight {
  object: number;
  sides: number[];
  track: Line;
  profile: [number, number][]; // km over ground, km high
  launch: Point;
  impact: Point;
  impact_s: number;
  apogee_km: number;
  range_km: number;
}

export interface Ellipse {
  side: number;
  centre: Point;
  ring: Line;
  major_km: number;
  time_s: number;
  assisted: boolean;
}

export interface Shot {
  side: number;
  at: Point;
  height_km: number;
  hit: boolean;
}

export interface Ground {
  middle: Point;
  land: MultiPolygon;
  borders: Line[];
  territories: MultiPolygon[];
  frame: Line;
  day: string;
}

export interface Figures {
  sides: string[];
  architectures: string[];
  baseline: string;
  warning: { minutes: number[]; curves: Curve[] };
  shares: SharePoint[];
  ground: Ground;
  sensors: Radar[];
  labels: Label[];
  sites: { title: string; side: number; at: Point }[];
  places: { title: string; at: Point }[];
  world: {
    every: number;
    replicate: number;
    flights: Flight[];
    seen: Record<string, { ellipses: Ellipse[]; shots: Shot[] }>;
  } | null;
  defended: { radius_km: number; count: number[]; rings: Line[]; shares: Record<string, number[]> } | null;
}
