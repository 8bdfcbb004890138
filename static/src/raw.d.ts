/** Files that tests read as they are. */
declare module "*.toml?raw" {
  const text: string;
  export default text;
}
