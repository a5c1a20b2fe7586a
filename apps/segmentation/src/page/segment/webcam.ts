/** A camera as a sequence of frames that stops while nobody can see the page. */
import { UnsupportedError } from '@atrous/core';

export interface Webcam {
  /** The next frame; waits while the page is hidden or the camera is paused. Rejects with the signal's reason. */
  frame(): Promise<ImageBitmap>;
  pause(paused: boolean): void;
}

const reasons: Readonly<Record<string, string>> = {
  NotAllowedError: 'it was not allowed; allow the camera for this page in the browser and try again',
  NotFoundError: 'there is none',
  NotReadableError: 'another program uses it, or the system keeps it from the browser',
  OverconstrainedError: 'it cannot give pictures of the wanted size',
  SecurityError: 'this browser or the page around this one forbids it',
};

/**
 * Opens the camera until the signal aborts, which also switches it off.
 *
 * @throws UnsupportedError with the reason why there is none
 */
export async function openWebcam(
  signal: AbortSignal,
  onWait: (why: 'hidden' | 'paused' | undefined) => void,
): Promise<Webcam> {
  const stream = await streamOf();
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  signal.throwIfAborted();
  const ended = new AbortController();
  stream
    .getVideoTracks()[0]!
    .addEventListener('ended', () =>
      ended.abort(new UnsupportedError('the camera has been unplugged or switched off', {})),
    );
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  await video.play();
  let paused = false;
  const wake = new EventTarget();
  document.addEventListener('visibilitychange', () => wake.dispatchEvent(new Event('wake')), { signal });
  const either = AbortSignal.any([signal, ended.signal]);
  return {
    pause(next) {
      paused = next;
      wake.dispatchEvent(new Event('wake'));
    },
    async frame() {
      while (!either.aborted && (paused || document.hidden)) {
        onWait(document.hidden ? 'hidden' : 'paused');
        await new Promise<void>((resolve) => {
          wake.addEventListener('wake', () => resolve(), { once: true });
          either.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      either.throwIfAborted();
      onWait(undefined);
      return await createImageBitmap(video);
    },
  };
}

async function streamOf(): Promise<MediaStream> {
  if (!navigator.mediaDevices)
    throw new UnsupportedError('the camera cannot be opened: browsers give it to pages over https only', {});
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } } });
  } catch (error) {
    const { name, message } = error as Error;
    throw new UnsupportedError(`the camera cannot be opened: ${reasons[name] ?? message}`, { name });
  }
}
