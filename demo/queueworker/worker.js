// Works off a queue of jobs, one after the other, and says what it runs on.
const fs = require('fs');

const release = fs.readFileSync('/etc/node-image-release', 'utf8').trim();
const queue = ['resize picture', 'send letter', 'count visitors'];

for (const job of queue) console.log(`done: ${job}`);
console.log(`Queue empty; node ${process.version}, base image release ${release}`);
