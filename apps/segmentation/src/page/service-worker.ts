/** Keeps the page for when there is no connection. Addresses of its files are put in when it is built. */
import { cleanupOutdatedCaches, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';

declare const pageFiles: readonly PrecacheEntry[];

cleanupOutdatedCaches();
precacheAndRoute([...pageFiles]);
