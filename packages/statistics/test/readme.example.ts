import { Bootstrap, quantiles } from "@normless/statistics";

// Nats of the targets of five sequences, by two models, and how many targets each sequence has.
const counts = [128, 128, 128, 128, 64];
const a = { sums: [390, 401, 377, 412, 195], counts };
const b = { sums: [392, 404, 378, 416, 197], counts };

// Whole sequences are drawn again, the same ones for both, since the tokens of one hang together.
const bootstrap = new Bootstrap([a, b], { seed: 1 });
const difference = bootstrap.estimate((losses) => losses[1] - losses[0]);
console.log(difference.value.toFixed(4)); // 0.0208
console.log(difference.interval && difference.interval.low > 0); // true

console.log(quantiles(Float64Array.of(1, 2, 4, 8), [0.5])); // [ 3 ]
