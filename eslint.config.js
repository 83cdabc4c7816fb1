import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "**/dist/",
      "**/node_modules/",
      "**/generated/",
      "**/assembly/",
      "**/.turbo/",
      "runs/",
      ".venv/",
    ],
  },
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ["**/*.ts"] })),
  {
    files: ["**/*.ts"],
    languageOptions: {
      parserOptions: {
        project: ["./tsconfig.json", "./examples/page/tsconfig.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    // What a command writes goes through what has held it against what the command reads (outputs.ts).
    files: ["apps/remove-layernorm/src/commands/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "@normless/safetensors/node",
              importNames: ["writeFileAtomic"],
              message: "Use result-file.js.",
            },
            { name: "@normless/gpt2/node", importNames: ["writeModelFolder"], message: "Use export-job.js." },
            ...["node:fs", "node:fs/promises"].map((name) => ({
              name,
              allowImportNames: ["existsSync", "readdir", "readFile", "stat"],
              message: "Use result-file.js or run-folder.js to write.",
            })),
          ],
        },
      ],
    },
  },
);
