/** The settings that your tests run with. What is not here has its default; no `.env` is read. */
export const env = {
  DATABASE_FILE: ':memory:', // example
};
