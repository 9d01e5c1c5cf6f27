// A web server that answers in the ways which a server of plain files does not.
// node http_server.mjs ADDRESS PORT PORT_OF_HTTP2

import http from "node:http";
import http2 from "node:http2";
import zlib from "node:zlib";

const [address, port, port2] = process.argv.slice(2);
const text = "a line of text that is packed in one way or another\n".repeat(60);

const packers = {
  br: zlib.brotliCompressSync,
  deflate: zlib.deflateSync,
  gzip: zlib.gzipSync,
};

function packed(coding, answer) {
  const body = packers[coding](text);
  answer.writeHead(200, {
    "Content-Type": "text/plain",
    "Content-Encoding": coding,
    "Content-Length": body.length,
  });
  answer.end(body);
}

const routes = {
  "/br": (_, answer) => packed("br", answer),
  "/deflate": (_, answer) => packed("deflate", answer),
  "/gzip": (_, answer) => packed("gzip", answer),
  // Three chunks, then a trailer.
  "/chunks": (_, answer) => {
    answer.writeHead(200, { "Content-Type": "text/plain", Trailer: "X-Lines" });
    answer.write("first chunk\n");
    answer.write("second chunk\n");
    answer.write("third chunk\n");
    answer.addTrailers({ "X-Lines": "3" });
    answer.end();
  },
  // The first byte comes late.
  "/slow": (_, answer) => setTimeout(() => answer.end("slow but sure\n"), 150),
  // What was received, and how long it was.
  "/upload": (request, answer) => {
    let size = 0;
    request.on("data", (part) => (size += part.length));
    request.on("end", () => answer.end(`${size} bytes\n`));
  },
  // Promises a thousand bytes, sends a hundred, and goes away.
  "/broken": (_, answer) => {
    answer.writeHead(200, { "Content-Type": "text/plain", "Content-Length": 1000 });
    answer.write("x".repeat(100), () => answer.destroy());
  },
  // An interim response, then the final one.
  "/hints": (_, answer) => {
    answer.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
    setTimeout(() => answer.end("with hints\n"), 30);
  },
  // The size of what was received, and the trailer behind it.
  "/trailer": (request, answer) => {
    request.resume().on("end", () => answer.end(`${request.trailers["x-lines"]} lines\n`));
  },
};

function handle(request, answer) {
  const route = routes[request.url];
  if (route) route(request, answer);
  else answer.writeHead(404).end();
}

http
  .createServer(handle)
  .on("checkContinue", (request, answer) => {
    // Too much: it says so instead of "100 Continue".
    if (request.url === "/small-upload") answer.writeHead(413, { Connection: "close" }).end();
    else {
      answer.writeContinue();
      handle(request, answer);
    }
  })
  .listen(Number(port), address);
http2.createServer(handle).listen(Number(port2), address);
