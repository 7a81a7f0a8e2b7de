/** The settings that your tests run with. No `.env` is read. */
export const env = {
  // What is not here has its default.
  DATABASE_FILE: ':memory:', // example
};
