//! An echo server: `cargo run --no-default-features --example echo -- tcp://127.0.0.1:9000`, or any other endpoint. For
//! `tls://` and `wss://` the files of a certificate and its key follow.
//!
//! `npx qwormhole connect tcp://127.0.0.1:9000` talks to it, and so does `--example ping`.

use std::fs;

use qwormhole::{Connection, Options, Sent, TlsIdentity, listen};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next();
    let mut options = Options::default();
    if let (Some(certificate), Some(key)) = (arguments.next(), arguments.next()) {
        let identity = TlsIdentity::new(fs::read(certificate)?, fs::read(key)?);
        options.tls.identity = Some(identity);
    }
    let server = listen(endpoint.as_deref().unwrap_or("tcp://127.0.0.1:0"), options).await?;
    println!("listening on {}", server.address());
    loop {
        match server.accept().await {
            Ok(connection) => {
                tokio::spawn(async move {
                    if let Err(error) = echo(connection).await {
                        eprintln!("{error}");
                    }
                });
            }
            // Out of descriptors, for now: the others are still served.
            Err(error) => eprintln!("{error}"),
        }
    }
}

/// Sends back what comes, no faster than the peer reads it.
async fn echo(mut connection: Connection) -> qwormhole::Result<()> {
    while let Some(message) = connection.recv().await.transpose()? {
        match connection.send(message) {
            Ok(Sent::Sent) => {}
            Ok(_) => connection.drained().await?,
            Err(refused) => eprintln!("not echoed: {refused}"),
        }
    }
    connection.close().await
}
