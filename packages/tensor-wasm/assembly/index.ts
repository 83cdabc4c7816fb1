/** What the host calls. */
export { firstOutside } from "./embedding";
export { publish, quitAll, runAlone, serve } from "./threads";
