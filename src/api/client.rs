//! Connecting.

use std::net::SocketAddr;

use super::{
    connection::Connection,
    endpoint::{Endpoint, Use},
    options::Options,
    shared::Plan,
};
use crate::{
    driver::dial_here,
    error::{Code, Error, Result},
    socket,
};

/// Connects to `tcp://host:port` or `tls://host:port`, with IPv6 addresses in brackets.
///
/// The addresses of a name are tried in the resolver's order. Dropping the future gives the attempt
/// up. The connection is served by a task on the caller's runtime.
///
/// # Errors
/// `EndpointInvalid` and `OptionInvalid` for what cannot be meant, `Dns` when the name does not
/// resolve, `ConnectRefused`, `ConnectTimeout` and `ConnectFailed` for what the last address answered;
/// for `tls` `TlsConfig`, and those whose name begins with `Tls` for a handshake that failed.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
pub async fn connect(endpoint: impl AsRef<str>, options: Options) -> Result<Connection> {
    let mut plan = Plan::new(options)?;
    let endpoint = Endpoint::parse(endpoint.as_ref(), Use::Connect)?;
    if endpoint.is_secured {
        plan.security = Some(plan.options.tls.client(&endpoint.host)?);
    }
    let mut last = Error::new(Code::Dns, "no address");
    for to in endpoint.resolve().await? {
        match attempt(to, &plan).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn attempt(to: SocketAddr, plan: &Plan) -> Result<Connection> {
    let Options {
        local,
        connect_timeout,
        socket: options,
        ..
    } = &plan.options;
    let socket = socket::dialing(to, *local, options)?;
    let (owner, link) = plan.link(None);
    dial_here(socket, to, *connect_timeout, link);
    let ends = owner.shared.opened().await?;
    Ok(Connection::new(owner, ends))
}
