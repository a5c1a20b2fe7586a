/** A module and all that it imports as the text of one script, made by scripts/bundled.ts. */
declare module '*?bundled' {
  const text: string;
  export default text;
}
