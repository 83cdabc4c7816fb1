export { type Diagnostics, native, type NativeBackend, type NativeOptions } from "./native.js";
