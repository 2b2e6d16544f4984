// The clients of graphql-ws and graphql-sse through guichet: node sockets.mjs BINARY. Fails unless whoever has
// an operation open is told when the upstream dies and when guichet leaves, can subscribe again, and a
// mutation is asked once.
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient as createSse } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const binary = process.argv[2];
const started = [];
const until = async (what, is) => {
  for (let turn = 0; !is(); turn += 1) {
    assert(turn < 200, `in vain: ${what}`);
    await pause(50);
  }
};

// A process, the lines that it says, and the first match of a pattern in them.
async function start(command, words, pattern) {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const found = () => lines.map((line) => line.match(pattern)).find(Boolean);
  await until(pattern, found);
  return { child, lines, found: found()[0] };
}
const end = async ({ child }, signal) => {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
};
const upstream = (port) => start('node', ['subscriptions.mjs', port], /^\d+$/);
const guichet = (bind, port) => {
  writeFileSync('sockets.toml', `version = 1
[server]
workers  = 1
shutdown = { drain = "1500ms" }
[listen.public]
bind  = ["${bind}"]
plain = "allow"
[upstream.graph]
endpoints = ["http://127.0.0.1:${port}"]
[[route]]
match    = "/graphql"
upstream = "graph"
[route.graphql]
`);
  return start(binary, ['run', 'sockets.toml'], /127\.0\.0\.1:[1-9]\d*/);
};

// How an operation goes on.
function follow(client, query) {
  const told = { ticks: 0, end: null };
  client.subscribe({ query }, {
    next: (result) => { told.ticks += 1; if (result.errors) told.end = result.errors; },
    error: (why) => { told.end = why; },
    complete: () => { told.end ??= 'complete'; },
  });
  told.more = async (when) => {
    const before = told.ticks;
    await until(`ticks ${when}: ${JSON.stringify(told.end)}`, () => told.ticks > before + 3);
    assert.equal(told.end, null, when);
  };
  return told;
}

try {
  let server = await upstream(0);
  const port = Number(server.found);
  let gateway = await guichet('127.0.0.1:0', port);
  const address = gateway.found;
  // By default a refused handshake is final to them, which is how the wait for an upstream begins.
  const again = { retryWait: () => pause(200), retryAttempts: 100 };
  const closed = [];
  const socket = createClient({
    ...again, url: `ws://${address}/graphql`, webSocketImpl: WebSocket, shouldRetry: () => true,
    on: { closed: ({ code, reason }) => closed.push(`${code} ${reason}`) },
  });
  const events = createSse({ url: `http://${address}/graphql`, retry: again.retryWait, retryAttempts: 100 });
  // Their subscriptions go on, until they are told why they do not.
  const clients = [socket, events];
  const subscribe = async (when) => {
    const all = clients.map((client) => follow(client, 'subscription { tick }'));
    for (const it of all) await it.more(when);
    return all;
  };
  const told = async (all, problem) => {
    for (const it of all) {
      await until(problem, () => it.end);
      assert.equal(it.end[0].extensions.problem, problem, JSON.stringify(it.end));
    }
  };
  let lasting = await subscribe('at first');
  const onceOnly = follow(socket, 'mutation { buy }');
  await until('the mutation', () => server.lines.includes('begins mutation'));

  await end(server, 'SIGKILL');
  await told([...lasting, onceOnly], 'fr.ammyBadGateway');
  await until('a close frame', () => closed.length > 0);
  assert.match(closed[0], /^1014 fr\.ammyBadGateway request_id=/);
  server = await upstream(port);
  lasting = await subscribe('from the next upstream');
  console.log('sockets: who has an operation open is told that its upstream has died');

  closed.length = 0;
  await end(gateway, 'SIGTERM');
  await told(lasting.slice(0, 1), 'fr.ammyServiceUnavailable');
  await until('a close frame', () => closed.length > 0);
  assert.match(closed[0], /^1012 fr\.ammyServiceUnavailable request_id=/);
  gateway = await guichet(address, port);
  await subscribe('through the next guichet');
  assert(!server.lines.includes('begins mutation'), 'it was asked again');
  console.log('sockets: who has one open is told that guichet leaves, and a mutation is asked once');
} finally {
  for (const child of started) child.kill('SIGKILL');
}
process.exit(0);
