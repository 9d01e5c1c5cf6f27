// A server whose patience with idle connections is short, and a client that keeps its connections.
// node hang_ups.mjs server ADDRESS PORT KEEP_ALIVE_MS
// node hang_ups.mjs client ADDRESS PORT PAUSE_MS   prints what became of each request, as JSON

import http from "node:http";

const [role, address, port, time] = process.argv.slice(2);

const routes = {
  // An explicit field keeps Node from adding "Keep-Alive: timeout=…", which would warn the Agent.
  "/": (_, answer) => answer.writeHead(200, { Connection: "keep-alive" }).end("here you are\n"),
  "/warns": (_, answer) => answer.end("here you are\n"),
  "/never": () => {},
  "/destroys": (request) => request.socket.destroy(),
  "/resets": (request) => request.socket.resetAndDestroy(),
  "/half": (_, answer) => {
    answer.writeHead(200, { "Content-Length": 1000 });
    answer.write("x".repeat(400), () => answer.destroy());
  },
};

function serve() {
  const server = http.createServer((request, answer) => routes[request.url](request, answer));
  server.keepAliveTimeout = Number(time);
  server.listen(Number(port), address);
}

function ask(agent, path, outcome, options = {}) {
  const began = performance.now();
  return new Promise((resolve) => {
    const row = { outcome, client: "node", method: options.method ?? "GET", target: path, status: null, error: null };
    const done = (error) => {
      if (error) row.error = row.error ?? `${error.code}: ${error.message}`;
      row.reused_socket = request.reusedSocket;
      row.waited_ms = Math.round(performance.now() - began);
      resolve(row);
    };
    const request = http.request({ agent, host: address, port, path, ...options }, (answer) => {
      row.status = answer.statusCode;
      answer.resume();
      answer.on("error", done);
      answer.on("end", () => done());
    });
    request.on("socket", (socket) => {
      if (socket.localPort) row.client_port = socket.localPort;
      else socket.once("connect", () => (row.client_port = socket.localPort));
    });
    if (options.timeout) request.on("timeout", () => request.destroy());
    request.on("error", done);
    request.end(options.body);
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function client() {
  const rows = [];
  for (const method of ["GET", "POST"]) {
    const agent = new http.Agent({ keepAlive: true });
    rows.push(await ask(agent, "/", "answered"));
    await pause(Number(time));
    const body = method === "POST" ? "name=user1" : undefined;
    rows.push({ ...(await ask(agent, "/", "crossing-fin", { method, body })), idle_ms: Number(time) });
    agent.destroy();
  }
  // Warned by "Keep-Alive: timeout=0", the Agent does not use the connection again.
  const warned = new http.Agent({ keepAlive: true });
  for (let number = 0; number < 2; number++) rows.push(await ask(warned, "/warns", "answered"));
  warned.destroy();
  rows.push(await ask(undefined, "/destroys", "closed-without-answer"));
  rows.push(await ask(undefined, "/resets", "reset-without-answer"));
  rows.push(await ask(undefined, "/half", "short-response"));
  rows.push({ ...(await ask(undefined, "/never", "client-gave-up", { timeout: 350 })), timeout_ms: 350 });
  console.log(JSON.stringify(rows));
}

if (role === "server") serve();
else await client();
