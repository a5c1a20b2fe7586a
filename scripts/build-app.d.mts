/** Builds apps/segmentation and what it imports; gives the output if that failed, nothing otherwise. */
export function buildApp(): string | undefined;
export function build(name: string): string | undefined;
