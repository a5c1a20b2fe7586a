/** Vite's imports of files as addresses. */
/// <reference types="vite/client" />
declare module '*?url' {
  const address: string;
  export default address;
}
