export { native, type NativeBackend, type NativeOptions } from "./native.js";
