/**
 * Lets Dawn find the SwiftShader that Debian's Chromium brings, so that figures and tests do not need a GPU. Does nothing
 * where VK_DRIVER_FILES is set (for a GPU: to its driver's file in /usr/share/vulkan/icd.d), or there is no such
 * Chromium: then the machine's own Vulkan drivers are used.
 */
import { existsSync } from "node:fs";
import { constants } from "node:os";

const CHROMIUM_FOLDERS = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];
// RTLD_NODELETE of Linux, which Node does not name.
const KEEP_LOADED = 0x1000;

export function useSwiftShader(): void {
  if (process.platform !== "linux" || process.env.VK_DRIVER_FILES) return;
  const folder = CHROMIUM_FOLDERS.find((place) => existsSync(`${place}/vk_swiftshader_icd.json`));
  if (!folder) return;
  process.env.VK_DRIVER_FILES = `${folder}/vk_swiftshader_icd.json`;
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    // Chromium brings Vulkan's loader too. Once it is in the process, Dawn finds it by its name. It is no addon of
    // Node, which says so after loading it.
    process.dlopen({ exports: {} }, `${folder}/libvulkan.so.1`, RTLD_NOW | RTLD_GLOBAL | KEEP_LOADED);
  } catch {
    // Without it Dawn takes the system's, or says that there is none.
  }
}
