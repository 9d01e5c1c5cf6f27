// Two messages in two writes, as in every tutorial: how many "data" events does the other side get?
// node sticky_node.mjs server ADDRESS PORT          prints its data events as JSON when the client has gone
// node sticky_node.mjs client ADDRESS PORT FROM     prints its writes, with the port FROM

import net from "node:net";

const [role, address, port, from] = process.argv.slice(2);
const now = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const print = (rows) => console.log(JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? Number(value) : value)));

function serve() {
  const rows = [];
  const server = net.createServer((socket) => {
    const row = { client_port: socket.remotePort, data_ns: [], data_bytes: [] };
    rows.push(row);
    socket.on("data", (data) => {
      row.data_ns.push(now());
      row.data_bytes.push(data.length);
    });
    socket.on("end", () => {
      socket.end();
      if (rows.length === 3) server.close(() => print(rows));
    });
  });
  server.listen(Number(port), address);
}

async function write(number, name, pieces) {
  const row = { client_port: Number(from) + number, name, write_ns: [], write_bytes: [] };
  const socket = net.connect({ host: address, port: Number(port), localPort: row.client_port });
  await new Promise((resolve) => socket.once("connect", resolve));
  await pause(20);
  await pieces(socket, (data) => {
    row.write_ns.push(now());
    row.write_bytes.push(data.length);
    socket.write(data);
  });
  await new Promise((resolve) => socket.end().once("close", resolve));
  return row;
}

async function client() {
  print([
    await write(0, "two writes in one turn, corked", async (socket, send) => {
      socket.cork();
      send("hello ");
      send("world\n");
      socket.uncork();
    }),
    await write(1, "two writes in one turn", async (socket, send) => {
      for (let round = 0; round < 4; round++) {
        send("hello ");
        send("world\n");
        await pause(100);
      }
    }),
    await write(2, "two writes with 50 ms between", async (socket, send) => {
      send("hello ");
      await pause(50);
      send("world\n");
    }),
  ]);
}

if (role === "server") serve();
else await client();
