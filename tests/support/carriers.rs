//! The same over every carrier.

use qwormhole::{Connection, Options, Server, TlsOptions, listen};

use crate::{
    authority::Authority,
    support::{meet, soon},
};

pub const SCHEMES: [&str; 4] = ["tcp", "tls", "ws", "wss"];

/// A server and the two ends of a connection to it: the server's and the client's.
pub async fn pair_over(
    scheme: &str,
    server: Options,
    client: Options,
) -> (Server, Connection, Connection) {
    let authority = Authority::new();
    let server = Options {
        tls: TlsOptions {
            identity: Some(authority.leaf("localhost").identity()),
            ..TlsOptions::default()
        },
        ..server
    };
    let client = Options {
        tls: TlsOptions {
            ca: Some(authority.pem().into()),
            server_name: Some("localhost".to_owned()),
            ..TlsOptions::default()
        },
        ..client
    };
    let path = if scheme.starts_with("ws") {
        "/chat"
    } else {
        ""
    };
    let endpoint = format!("{scheme}://127.0.0.1:0{path}");
    let server = soon(listen(endpoint, server)).await.expect("listens");
    let (connection, client) = meet(&server, client).await;
    (server, connection, client)
}
