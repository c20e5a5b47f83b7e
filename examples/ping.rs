//! Measures round trips: `cargo run --release --no-default-features --example ping -- tcp://127.0.0.1:9000`. What may
//! follow is how many, and the file of an authority for `tls://` and `wss://`.

use std::{
    fs,
    time::{Duration, Instant},
};

use qwormhole::{Options, Sent, connect};

const ROUNDS: u32 = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments
        .next()
        .ok_or("give the endpoint of an echo server")?;
    let rounds = arguments
        .next()
        .map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let mut options = Options::default();
    options.tls.ca = arguments.next().map(fs::read).transpose()?;
    let mut connection = connect(endpoint, options).await?;
    let mut worst = Duration::ZERO;
    let from = Instant::now();
    for round in 0..rounds {
        let sent = Instant::now();
        if connection.send(round.to_be_bytes())? == Sent::Backpressure {
            connection.drained().await?;
        }
        let reply = connection.recv().await.ok_or("the server hung up")??;
        if reply[..] != round.to_be_bytes() {
            return Err("a reply is not what was sent".into());
        }
        worst = worst.max(sent.elapsed());
    }
    println!(
        "{rounds} round trips, {:?} each, {worst:?} at worst",
        from.elapsed() / rounds.max(1)
    );
    Ok(connection.close().await?)
}
