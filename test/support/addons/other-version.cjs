// An addon built for another version of this package.
function Nothing() {}
module.exports = {
  seamVersion: () => 9999,
  version: () => '9.9.9',
  IoMemory: Nothing,
  IoCore: Nothing,
  QWormholeServerWrapper: Nothing,
  TcpClientWrapper: Nothing,
  WebSocketClientWrapper: Nothing,
};
