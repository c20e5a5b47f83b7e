//! Measures round trips: `cargo run --release --no-default-features --example ping -- tcp://127.0.0.1:9000`.

use std::time::{Duration, Instant};

use qwormhole::{Options, Sent, connect};

const ROUNDS: u32 = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args()
        .nth(1)
        .ok_or("give the endpoint of an echo server")?;
    let mut connection = connect(endpoint, Options::default()).await?;
    let mut worst = Duration::ZERO;
    let from = Instant::now();
    for round in 0..ROUNDS {
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
        "{ROUNDS} round trips, {:?} each, {worst:?} at worst",
        from.elapsed() / ROUNDS
    );
    Ok(connection.close().await?)
}
