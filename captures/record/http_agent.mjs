// Six requests by Node's Agent on at most two kept connections, then an upload in chunks with a trailer.
// node http_agent.mjs ADDRESS PORT   prints what became of each request, as JSON

import http from "node:http";

const [address, port] = process.argv.slice(2);

function ask(agent, path, upload) {
  return new Promise((resolve, reject) => {
    const method = upload ? "POST" : "GET";
    const headers = upload ? { Trailer: "X-Lines" } : {};
    const request = http.request({ agent, host: address, port, path, method, headers }, (answer) => {
      let size = 0;
      answer.on("data", (part) => (size += part.length));
      answer.on("end", () =>
        resolve({
          client_port: localPort,
          method,
          target: path,
          version: `HTTP/${answer.httpVersion}`,
          status: answer.statusCode,
          body_bytes: size,
          reused_socket: request.reusedSocket,
        }),
      );
    });
    let localPort;
    request.on("socket", (socket) => {
      const note = () => (localPort = socket.localPort);
      if (socket.connecting) socket.once("connect", note);
      else note();
    });
    request.on("error", reject);
    for (const line of upload ?? []) request.write(line);
    if (upload) request.addTrailers({ "X-Lines": String(upload.length) });
    request.end();
  });
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
const rows = await Promise.all(["/gzip", "/slow", "/chunks", "/br", "/gzip", "/slow"].map((path) => ask(agent, path)));
rows.push(await ask(agent, "/trailer", ["first line\n", "second line\n"]));
agent.destroy();
console.log(JSON.stringify(rows));
