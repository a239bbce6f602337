const Fastify = require('fastify');
const { tokenward } = require('@tokenward/fastify');

process.stdout.write('the app prints\n');
// for a process manager, and what looks like an answer
process.send?.('ready');
process.send?.({ routes: [], excepted: [] });
process.send?.({ answer: { routes: [], excepted: [] } });
const app = Fastify();
app.register(tokenward, { issuer: 'https://login.invalid', audience: 'https://api.example.com', protect: 'all' });
app.register(async (scope) => {
  scope.get('/files/:name', async () => ({}));
});
// a port that is not free, and what keeps a process alive
app.listen({ port: 1, host: '0.0.0.0' }, (error, address) => process.stdout.write(`${error ? error.message : address}\n`));
setInterval(() => {}, 1000);
module.exports = { app };
