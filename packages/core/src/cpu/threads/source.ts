import { wordsPerCall } from '../calls.js';
import { control, mostText, spin } from './protocol.js';

const args = Array.from({ length: wordsPerCall - 1 }, (_, i) => `words[at + ${i + 1}]`).join(', ');

/**
 * What a worker runs, as text: a worker from a file of its own would need a bundler's help in every way that the
 * library can be loaded. Plain JavaScript for Node (as CommonJS) and browsers.
 *
 * Modules, kernels and programs come as messages; work comes through the control block. While there is no mail the
 * worker stays in `work`, asleep between steps, and does not return to its event loop.
 */
export const workerSource = `'use strict';
const port = globalThis.process?.getBuiltinModule?.('node:worker_threads')?.parentPort ?? globalThis;
let control, memory;
let read = 0, seen = 0;
const modules = [], kernels = [], programs = new Map();

function receive(mail) {
  if (mail.control) {
    control = mail.control;
    port.postMessage('ready');
    return;
  }
  memory = mail.memory ?? memory;
  for (const module of mail.modules ?? [])
    modules.push(new WebAssembly.Instance(module, { env: { memory } }).exports);
  for (const [module, name] of mail.kernels ?? []) kernels.push(modules[module][name]);
  if (mail.program) programs.set(mail.program[0], mail.program[1]);
  if (mail.forget !== undefined) programs.delete(mail.forget);
  read = mail.mail;
  work();
}

function work() {
  while (Atomics.load(control, ${control.mail}) === read) {
    const step = Atomics.load(control, ${control.step});
    if (step === seen || (step & 1) === 0) {
      const until = performance.now() + ${spin};
      while (Atomics.load(control, ${control.step}) === step && performance.now() < until);
      Atomics.wait(control, ${control.step}, step);
      continue;
    }
    Atomics.add(control, ${control.active}, 1);
    if (Atomics.load(control, ${control.step}) === step && Atomics.load(control, ${control.mail}) === read) {
      seen = step;
      runTasks(programs.get(control[${control.program}]), control[${control.last}]);
    }
    if (Atomics.sub(control, ${control.active}, 1) === 1) Atomics.notify(control, ${control.active});
  }
}

function runTasks(words, last) {
  try {
    for (let task; (task = Atomics.add(control, ${control.next}, 1)) < last; ) {
      const end = words[task + 1];
      for (let at = words[task]; at < end; at += ${wordsPerCall})
        kernels[words[at]](${args});
    }
  } catch (error) {
    Atomics.store(control, ${control.next}, last);
    if (Atomics.compareExchange(control, ${control.failed}, 0, 1) !== 0) return;
    const text = String(error?.message ?? error).slice(0, ${mostText});
    control[${control.text}] = text.length;
    for (let i = 0; i < text.length; i++) control[${control.text + 1} + i] = text.charCodeAt(i);
  }
}

if (port.on) port.on('message', receive);
else port.onmessage = (event) => receive(event.data);
`;
