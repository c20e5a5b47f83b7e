//! Connecting.

use std::net::{SocketAddr, TcpStream};

use super::{
    connection::Connection,
    endpoint::{Endpoint, Use},
    options::Options,
    shared::Plan,
    site::Site,
    socket_path::SocketPath,
    start::Start,
};
use crate::{
    driver::{Security, dial_here},
    error::{Code, Error, Result},
    socket,
};

/// Connects to `tcp://host:port`, `tls://host:port`, `ws://host:port/path?query` or `wss://…`, with IPv6 addresses in
/// brackets, or to the Unix socket `unix:///path`, and shakes hands where the protocol has that.
///
/// The addresses of a name are tried in the resolver's order. Dropping the future gives the attempt
/// up. The connection is served by a task on the caller's runtime.
///
/// # Errors
/// `EndpointInvalid` and `OptionInvalid` for what cannot be meant, `Dns` when the name does not
/// resolve, `ConnectRefused`, `ConnectTimeout` and `ConnectFailed` for what the last address answered;
/// with TLS also `TlsConfig`, and those whose name begins with `Tls` for a handshake that failed; of a WebSocket
/// also `UpgradeRefused`, with the [`answer`](crate::Error::answer); of a handshake `HandshakeRefused`, with the
/// [`close_code`](crate::Error::close_code), and `Handshake` where the server does not speak as it must.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
pub async fn connect(endpoint: impl AsRef<str>, options: Options) -> Result<Connection> {
    let plan = Plan::new(options)?;
    match Site::parse(endpoint.as_ref(), Use::Connect)? {
        Site::Network(endpoint) => call(&endpoint, &plan).await,
        Site::File(path) => call_file(&path, &plan).await,
    }
}

/// One address after the other.
async fn call(endpoint: &Endpoint, plan: &Plan) -> Result<Connection> {
    let security = endpoint
        .is_secured
        .then(|| plan.options.tls.client(&endpoint.host))
        .transpose()?;
    let start = Start::of_call(&plan.options, endpoint);
    let mut last = Error::new(Code::Dns, "no address");
    for to in endpoint.resolve().await? {
        match call_address(to, &start, plan, security.as_ref()).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn call_address(
    to: SocketAddr,
    start: &Start,
    plan: &Plan,
    security: Option<&Security>,
) -> Result<Connection> {
    let Options {
        local,
        socket: options,
        ..
    } = &plan.options;
    let socket = socket::dialing(to, *local, options)?;
    attempt(socket, Some(to), start, plan, security).await
}

async fn call_file(path: &SocketPath, plan: &Plan) -> Result<Connection> {
    let start = Start::of_local_call(&plan.options);
    let socket = socket::connect_local(path.as_path())?;
    attempt(socket, None, &start, plan, None).await
}

/// A connection over `socket`, which is connected already where `to` is `None`.
async fn attempt(
    socket: TcpStream,
    to: Option<SocketAddr>,
    start: &Start,
    plan: &Plan,
    security: Option<&Security>,
) -> Result<Connection> {
    let (owner, link) = plan.link(None, start.is_websocket(), security);
    dial_here(socket, to, plan.options.connect_timeout, start.begin(link));
    let ends = owner.shared.opened().await?;
    Ok(Connection::new(owner, ends, None))
}
