/** The one function of seek-bzip that is used; the package has no types of its own. */
declare module "seek-bzip" {
  const bzip: {
    /** Throws a TypeError when the data are damaged. `multistream` goes on through files put one after the other. */
    decode(input: Uint8Array, output: undefined, multistream: boolean): Uint8Array;
  };
  export default bzip;
}
