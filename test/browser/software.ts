/** GL and WebGPU without a GPU: the software renderer that Chromium brings. It shows what is right, not how fast a GPU is. */
export const SOFTWARE = [
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--ignore-gpu-blocklist",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];
