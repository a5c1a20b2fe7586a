/** Files that come and go: dropped and pasted anywhere, and saved. */

export interface FileEvents {
  take(file: File): void;
  /** Something is held over the page that it would take. */
  dragging(over: boolean): void;
}

export function acceptFiles({ take, dragging }: FileEvents, signal: AbortSignal): void {
  let over = false;
  const drag = (next: boolean) => {
    if (next !== over) dragging(next);
    over = next;
  };
  const carriesFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  const first = (data: DataTransfer | null) => {
    const file = data?.files[0];
    if (file) take(file);
  };
  const options = { signal };
  addEventListener(
    'dragover',
    (event) => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      drag(true);
    },
    options,
  );
  // null: out of the window, not from one element to another
  addEventListener('dragleave', (event) => event.relatedTarget === null && drag(false), options);
  addEventListener(
    'drop',
    (event) => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      drag(false);
      first(event.dataTransfer);
    },
    options,
  );
  addEventListener('paste', (event) => first(event.clipboardData), options);
}

export function saveFile(content: Blob, name: string): void {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(content);
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(anchor.href);
}
