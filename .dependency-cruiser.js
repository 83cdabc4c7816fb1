/** What may import what, types included (`npm run lint`). CONTRIBUTING.md says it in words; turbo sees to package.json. */

const leaves = ["random", "text", "safetensors"];
const model = ["tensor", "autograd", "layernorm", "gpt2", "optim", ...leaves, "statistics", "data", "hub"];

/** Each package, and those whose sources its own may import. */
const mayImport = {
  tensor: [],
  autograd: ["tensor", "random"],
  optim: ["tensor"],
  params: ["tensor", "optim", "safetensors"],
  layernorm: ["tensor", "autograd"],
  gpt2: ["tensor", "autograd", "layernorm", ...leaves],
  train: model,
  evaluate: model,
  interpret: model,
  removal: [...model, "train", "evaluate", "interpret"],
  // These know no tensor.
  random: [],
  text: ["random"],
  safetensors: [],
  statistics: ["random"],
  hub: leaves,
  data: ["text", "hub"],
  // Engines, as packages/tensor/src/gpu is: apps, benchmarks and tests make them and pass them in.
  "tensor-wasm": ["tensor"],
  "tensor-native": ["tensor"],
  "tensor-blas": ["tensor", "tensor-wasm"],
};

const GPU = "^packages/tensor/src/gpu/";
const sourcesOf = (name) => `^packages/${name}/src/`;

export default {
  forbidden: [
    {
      name: "no-circular",
      comment: "What two files share goes into a file of its own below both.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    ...Object.entries(mayImport).map(([name, below]) => ({
      name: `${name}-imports-down`,
      comment: below.length > 0 ? `It may import ${below.join(", ")}.` : "It may import no package.",
      severity: "error",
      from: { path: sourcesOf(name) },
      to: {
        path: "^(packages|apps|benchmarks|examples|test)/",
        pathNot: ["/node_modules/", ...[name, ...below].map(sourcesOf)],
      },
    })),
    {
      name: "no-engine-in-a-package",
      comment: "Packages are given a Backend; apps, benchmarks and tests make it.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: GPU },
      // The form that kernels have as data is no engine: an op of one's own brings its own.
      to: { path: GPU },
    },
    {
      name: "every-package-has-a-place",
      comment: "Say in mayImport what this package may import.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: Object.keys(mayImport).map(sourcesOf) },
      to: {},
    },
    {
      name: "no-package-imports-an-app",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: "^apps/" },
    },
    {
      name: "nothing-imports-benchmarks",
      severity: "error",
      from: { pathNot: "^benchmarks/" },
      to: { path: "^benchmarks/" },
    },
    {
      name: "nothing-imports-examples",
      comment: "They are read, and run by their tests; they may import any package.",
      severity: "error",
      from: { pathNot: "^(examples|test)/" },
      to: { path: "^examples/" },
    },
    {
      name: "an-example-stands-alone",
      severity: "error",
      from: { path: "^examples/([^/]+)/" },
      to: { path: "^(examples/(?!$1/)|apps/|benchmarks/|test/)" },
    },
    {
      name: "no-unresolvable",
      comment: "An import that leads nowhere is one that no rule sees.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "/generated/" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|assembly)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@normless/source", "import", "node", "types", "default"],
      mainFields: ["module", "main", "types"],
    },
  },
};
