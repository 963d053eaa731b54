// Greets whoever asks. With --once it greets the terminal instead, and says what it runs on.
const fs = require('fs');
const http = require('http');

const release = fs.readFileSync('/etc/node-image-release', 'utf8').trim();
const greeting = `Hello World from node ${process.version}, base image release ${release}`;

if (process.argv.includes('--once')) {
  console.log(greeting);
} else {
  http.createServer((request, response) => response.end(`${greeting}\n`)).listen(8080);
}
