// The registry as a process of its own, so that it can be ended whatever it is doing. Its parent gives it a configuration and hears its port.
import { runServer } from 'verdaccio';

const server = await runServer(JSON.parse(process.argv[2]));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit());
