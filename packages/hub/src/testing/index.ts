export { answerJson, COMMIT, entryOf, fakeHub, type FakeHub } from "./fake-hub.js";
