// A server and a client of Node.js, with its own https.
//
//   node peer.js serve PORT CERT KEY CA ASK ALLOWED
//   node peer.js call  PORT CERT KEY CA VERSION
const fs = require("fs");
const https = require("https");
const [what, port, cert, key, ca, ask, allowed] = process.argv.slice(2);
const read = (name) => (name !== "none" ? fs.readFileSync(name) : undefined);
const options = { cert: read(cert), key: read(key), ca: read(ca) };

// As the console prints an error that nobody caught, without the places in the code.
function say(error) {
  console.error(String(error));
  if (error.code) console.error(`code: '${error.code}'`);
}

function serve() {
  options.requestCert = ask !== "none";
  options.rejectUnauthorized = ask === "required";
  const server = https.createServer(options, (request, response) => {
    const peer = request.socket.getPeerCertificate();
    response.shouldKeepAlive = false;
    response.statusCode = allowed !== "none" && peer.subject && peer.subject.CN !== allowed ? 403 : 200;
    response.end();
  });
  server.on("tlsClientError", say);
  server.on("connection", (socket) => {
    // At the next turn of the loop, what has to be said about it has been said.
    socket.on("close", () => setImmediate(() => console.error("-- end")));
  });
  server.listen(Number(port), "127.0.0.1");
}

function call() {
  Object.assign(options, { minVersion: `TLSv${ask}`, maxVersion: `TLSv${ask}`, agent: false });
  https
    .get(`https://localhost:${port}/`, options, (response) => {
      console.log(`HTTP ${response.statusCode}`);
      response.resume();
    })
    .on("error", (error) => {
      say(error);
      process.exitCode = 1;
    });
}

if (what === "serve") serve();
else call();
