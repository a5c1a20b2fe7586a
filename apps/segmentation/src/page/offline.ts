/// <reference types="vite/client" />
/** Lets the page work without a connection from the second visit on; where the browser cannot, it works as before. */
export function keepForOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const register = () => {
    navigator.serviceWorker
      .register(new URL('service-worker.js', document.baseURI))
      .catch((error: unknown) => {
        console.info('atrous: the page is not kept for working offline:', error);
      });
  };
  // what is shown comes first
  if (document.readyState === 'complete') register();
  else addEventListener('load', register, { once: true });
}
