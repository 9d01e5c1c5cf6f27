// Ask for several paths at once on one HTTP/2 connection and tell, as JSON, what came back.
// node http2_client.mjs URL PATH …

import { createHash } from "node:crypto";
import http2 from "node:http2";

const [url, ...paths] = process.argv.slice(2);
const session = http2.connect(url);

function ask(path) {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const stream = session.request({ ":path": path, "accept-encoding": "br, gzip" });
    const facts = { path, stream: 0, status: 0, body_bytes: 0 };
    const digest = createHash("sha256");
    stream.on("response", (headers) => {
      facts.status = headers[":status"];
      facts.stream = stream.id;
    });
    stream.on("data", (part) => {
      facts.body_bytes += part.length;
      digest.update(part);
    });
    stream.on("end", () => {
      facts.body_sha256 = digest.digest("hex");
      facts.took_us = Number((process.hrtime.bigint() - began) / 1000n);
      resolve(facts);
    });
    stream.on("error", reject);
  });
}

const answers = await Promise.all(paths.map(ask));
session.close();
console.log(JSON.stringify(answers));
