// Draws the page's figures into the places that the page keeps for them; without it the text and the tables stand alone.
import { drawShares, drawWarning } from "./charts";
import type { Figures } from "./data";
import { drawDefended } from "./defended";
import { drawSensors } from "./sensors";
import { drawProfile, drawWorld } from "./world";

const WIDTH_MIN = 300;
const data = JSON.parse(document.getElementById("figures")!.textContent!) as Figures;
const architectures = document.getElementById("world-architecture") as HTMLSelectElement | null;

const drawings: Record<string, (width: number) => Node[]> = {
  warning: (width) => drawWarning(data, width),
  shares: (width) => drawShares(data, width),
  sensors: (width) => drawSensors(data, width),
  world: (width) => drawWorld(data, width, architectures?.value ?? data.architectures[0]),
  profile: (width) => drawProfile(data, width),
  defended: (width) => drawDefended(data, width),
};

function draw(name: string): void {
  const place = document.getElementById(`figure-${name}`);
  if (!place) return;
  const width = Math.max(WIDTH_MIN, Math.floor(place.clientWidth));
  place.replaceChildren(...drawings[name](width));
  place.dataset.width = String(width);
}

function drawAll(): void {
  for (const name of Object.keys(drawings)) draw(name);
}

function redrawWhenResized(): void {
  let waiting = 0;
  window.addEventListener("resize", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      const place = document.getElementById("figure-sensors");
      if (place && Math.abs(place.clientWidth - Number(place.dataset.width)) > 8) drawAll();
    }, 200);
  });
}

/** Shows only the assumptions that hold every word typed. */
function filterAssumptions(): void {
  const field = document.getElementById("assumption-filter") as HTMLInputElement | null;
  const body = document.getElementById("assumption-rows");
  const said = document.getElementById("assumption-count");
  if (!field || !body || !said) return;
  const rows = [...body.querySelectorAll("tr")].map((row) => ({ row, words: row.textContent!.toLowerCase() }));
  field.addEventListener("input", () => {
    const asked = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let kept = 0;
    for (const { row, words } of rows) {
      row.hidden = !asked.every((word) => words.includes(word));
      if (!row.hidden) kept++;
    }
    said.textContent = asked.length ? `${kept} of ${rows.length}` : "";
  });
}

/** On paper everything that is folded away on screen is open. */
function openForPrint(): void {
  let opened: HTMLDetailsElement[] = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });
}

document.documentElement.classList.add("scripts");
drawAll();
architectures?.addEventListener("change", () => draw("world"));
redrawWhenResized();
filterAssumptions();
openForPrint();
