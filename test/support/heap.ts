/** What an isolate of workerd holds, asked of its inspector. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Bytes: V8's heap, and what array buffers and WebAssembly memories hold beside it. */
export async function isolateMemory(inspectorUrl: URL): Promise<{ heap: number; buffers: number }> {
  const targets = (await (
    await fetch(new URL('/json', inspectorUrl.href.replace('ws:', 'http:')))
  ).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl as string);
  await once(socket, 'open');
  const ask = (id: number, method: string) =>
    // biome-ignore lint/suspicious/noExplicitAny: each method's result has a form of its own
    new Promise<any>((resolve) => {
      socket.on('message', (message) => {
        const { id: answered, result } = JSON.parse(`${message}`);
        if (answered === id) resolve(result);
      });
      socket.send(JSON.stringify({ id, method }));
    });
  const { usedSize, backingStorageSize } = await ask(1, 'Runtime.getHeapUsage');
  socket.close();
  return { heap: usedSize, buffers: backingStorageSize };
}
