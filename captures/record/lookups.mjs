// Look names up as Node programs do, and connect: `node lookups.mjs STEP …`, a line of JSON for each.
// A step is lookup:NAME (dns.lookup: the C library's getaddrinfo), resolve:NAME (dns.resolve4: c-ares),
// connect:NAME:PORT (net.connect, which uses dns.lookup) or reach:NAME:PORT (dns.resolve4, then net.connect
// to the first address).
import dns from "node:dns/promises";
import net from "node:net";

const now = () => Number(process.hrtime.bigint());

const connect = (host, port) =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: Number(port) });
    let found = null;
    socket.on("lookup", (error, address) => (found = address));
    socket.on("connect", () => {
      const local = socket.localPort;
      socket.end("GET / HTTP/1.0\r\n\r\n");
      socket.on("close", () => resolve({ address: found ?? host, local_port: local }));
      socket.resume();
    });
    socket.on("error", reject);
  });

const lookUp = async (ask) => {
  const begin = now();
  let addresses = [];
  let error = null;
  try {
    addresses = await ask();
  } catch (failed) {
    error = failed.code;
  }
  return { addresses, error, took_ns: now() - begin };
};

for (const argument of process.argv.slice(2)) {
  const [kind, name, port] = argument.split(":");
  let said = { step: argument, name };
  if (kind === "lookup") {
    const all = async () => (await dns.lookup(name, { all: true })).map((one) => one.address);
    said = { ...said, ...(await lookUp(all)) };
  } else if (kind === "resolve" || kind === "reach") {
    said = { ...said, ...(await lookUp(() => dns.resolve4(name))) };
    if (kind === "reach") said = { ...said, ...(await connect(said.addresses[0], port)) };
  } else {
    said = { ...said, ...(await connect(name, port)) };
  }
  console.log(JSON.stringify(said));
}
