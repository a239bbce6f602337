/** Loaded into a server before its own program: reports the CPU time used so far when the parent process asks. */
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});

// the channel must not keep the server alive
process.channel?.unref();

// without its parent, the server has nothing left to do
process.on('disconnect', () => process.exit());
