/** Loaded into a server before its own program: tells whoever started it, on being asked, how much CPU time it has used. */
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});

// that it can be asked is no reason to stay
process.channel?.unref();

// with nobody left to ask, nothing is left to do
process.on('disconnect', () => process.exit());
