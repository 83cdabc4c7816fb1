/** The build that is tested: another one than the package's own where NORMLESS_NATIVE_FOLDER says so. */
const named = process.env.NORMLESS_NATIVE_FOLDER;

/** As an option of `native`. */
export const folder = named ? { folder: named } : {};
