// Runs the registry as a separate process, which can be killed at any time. It gets its configuration from the parent and sends its port back.
import { runServer } from 'verdaccio';

const server = await runServer(JSON.parse(process.argv[2]));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit());
