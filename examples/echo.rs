//! An echo server: `cargo run --no-default-features --example echo -- tcp://127.0.0.1:9000`.
//!
//! `npx qwormhole connect tcp://127.0.0.1:9000 --protocol length-prefixed` talks to it, and so does `--example ping`.

use qwormhole::{Connection, Options, Sent, listen};

#[tokio::main(flavor = "current_thread")]
async fn main() -> qwormhole::Result<()> {
    let endpoint = std::env::args().nth(1);
    let server = listen(
        endpoint.as_deref().unwrap_or("tcp://127.0.0.1:0"),
        Options::default(),
    )
    .await?;
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
