/** Drawing: the plane with its points, how sure the model is of each place, the line where it is not; and the loss as a path. */
import { plane, type Progress, type Start } from "./progress.js";

const { left, top, width, height, columns, rows } = plane;

/** Fills the canvas, in the colours that its style has now. */
export function drawPlane(canvas: HTMLCanvasElement, { points, labels }: Start, field: ArrayLike<number>) {
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(`--${name}`);
  canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
  canvas.height = Math.round((canvas.width * height) / width);
  const context = canvas.getContext("2d")!;
  const unit = canvas.width / width;
  const cell = canvas.width / (columns - 1);

  // A pixel for each place of the field, scaled up so that its middle is there.
  const small = new OffscreenCanvas(columns, rows);
  const shades = small.getContext("2d")!;
  for (let i = 0; i < columns * rows; i++) {
    const sure = Math.abs(Math.tanh(field[i] / 2));
    shades.fillStyle = `rgb(${colour(field[i] < 0 ? "upper" : "lower")} / ${0.3 * sure})`;
    shades.fillRect(i % columns, Math.floor(i / columns), 1, 1);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(small, -cell / 2, -cell / 2, canvas.width + cell, canvas.height + cell);

  context.strokeStyle = `rgb(${colour("ink")})`;
  context.lineWidth = 2 * devicePixelRatio;
  context.lineCap = "round";
  context.beginPath();
  for (const [from, to] of boundary(field)) {
    context.moveTo(from[0] * cell, from[1] * cell);
    context.lineTo(to[0] * cell, to[1] * cell);
  }
  context.stroke();

  context.strokeStyle = `rgb(${colour("paper")})`;
  context.lineWidth = devicePixelRatio;
  for (let i = 0; i < labels.length; i++) {
    context.fillStyle = `rgb(${colour(labels[i] === 0 ? "upper" : "lower")})`;
    context.beginPath();
    context.arc(
      (points[2 * i] - left) * unit,
      (top - points[2 * i + 1]) * unit,
      3.4 * devicePixelRatio,
      0,
      7,
    );
    context.fill();
    context.stroke();
  }
}

type Place = readonly [column: number, row: number];

/** Where logits pass 0, as short lines: of each triangle of four neighbours, the line between the sides that they pass 0 on. */
function* boundary(field: ArrayLike<number>): Generator<readonly [Place, Place]> {
  const crossing = ([c, r]: Place, [d, s]: Place): Place | undefined => {
    const [a, b] = [field[r * columns + c], field[s * columns + d]];
    if (a < 0 === b < 0) return undefined;
    const t = a / (a - b);
    return [c + t * (d - c), r + t * (s - r)];
  };
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      for (const corner of [
        [c + 1, r],
        [c, r + 1],
      ] satisfies Place[]) {
        const [a, b]: Place[] = [
          [c, r],
          [c + 1, r + 1],
        ];
        const [from, to] = [crossing(a, b), crossing(b, corner), crossing(corner, a)].filter((p) => !!p);
        if (from && to) yield [from, to];
      }
    }
  }
}

/** The losses, 2.5 wide an update and 50 high a power of ten, from 1 at the top down to 0.001. */
export function lossPath(history: readonly Progress[]): string {
  const points = history.map(({ step, loss }) => `${2.5 * step},${Math.min(150, -50 * Math.log10(loss))}`);
  return `M${points.join("L")}`;
}
