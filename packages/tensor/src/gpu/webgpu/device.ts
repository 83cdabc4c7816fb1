/**
 * Opens a GPUDevice with all that its adapter can give: `navigator.gpu` where there is one, else the npm package
 * `webgpu` (Dawn) in Node. It falls back to nothing: no adapter is an error.
 */
/// <reference types="@webgpu/types" />
import { BackendError } from "../../errors.js";
import type { GivenDevice } from "./given-device.js";

/** A device, and what kernels must know of its adapter. */
export interface OpenedDevice {
  readonly device: GPUDevice;
  /** Vendor, architecture and driver, as far as the adapter says. */
  readonly adapter: string;
  /** A CPU computes: SwiftShader, WARP. */
  readonly fallback: boolean;
  /** The fewest threads of a subgroup, a power of two; 0 for a device without them. */
  readonly lanes: number;
  /** Whether the device is ours to destroy. */
  readonly owned: boolean;
}

const RAISED = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const satisfies readonly (keyof GPUSupportedLimits)[];
const FEATURES: readonly GPUFeatureName[] = ["subgroups"];

/** The smallest subgroup that WebGPU allows. */
const LEAST_LANES = 4;

/** Dawn's instance must outlive its devices; nothing else would hold it. */
let dawn: GPU | undefined;

async function findGpu(): Promise<GPU> {
  const { navigator } = globalThis as { readonly navigator?: { readonly gpu?: GPU } };
  if (navigator?.gpu) return navigator.gpu;
  if (dawn) return dawn;
  // In a variable, so that bundlers for browsers leave it alone.
  const name = "webgpu";
  try {
    const { create } = (await import(/* @vite-ignore */ name)) as {
      readonly create: (options: string[]) => GPU;
    };
    return (dawn = create([]));
  } catch (cause) {
    throw new BackendError(
      "webgpu: this platform has no navigator.gpu, and the package webgpu does not load. Node takes it from npm: " +
        "npm install webgpu",
      { cause },
    );
  }
}

function facts({ features, adapterInfo }: GPUDevice) {
  const { vendor, architecture, description, isFallbackAdapter, subgroupMinSize } = adapterInfo;
  const adapter = [vendor, architecture, description].filter(Boolean).join(" ") || "unnamed adapter";
  return {
    adapter: `${adapter}${isFallbackAdapter ? " (on the CPU)" : ""}`,
    fallback: isFallbackAdapter,
    lanes: features.has("subgroups") ? (subgroupMinSize ?? LEAST_LANES) : 0,
  };
}

/** @throws BackendError when there is no WebGPU here or no adapter. */
export async function openDevice(given?: GivenDevice): Promise<OpenedDevice> {
  if (given) {
    const device = given as GPUDevice;
    return { device, ...facts(device), owned: false };
  }
  const adapter = await (await findGpu()).requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new BackendError(
      "webgpu: no adapter. Node needs Vulkan's loader and a driver (Debian: libvulkan1 and mesa-vulkan-drivers for a " +
        "GPU; without one VK_DRIVER_FILES=/usr/lib/chromium/vk_swiftshader_icd.json names chromium's SwiftShader); " +
        "headless Chromium needs --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader",
    );
  }
  const requiredLimits: Record<string, number> = {};
  for (const limit of RAISED) requiredLimits[limit] = adapter.limits[limit];
  const device = await adapter.requestDevice({
    requiredLimits,
    requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
  });
  return { device, ...facts(device), owned: true };
}
