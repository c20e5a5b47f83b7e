//! The WebSocket server that a Rust program would have: tokio on one thread, tokio-tungstenite, a task for
//! each connection. `qwormhole-tungstenite [--work echo|fanout] [--port 0]`.
//!
//! `fanout`: a client that sends the text `subscribe` gets every binary message that any client sends.

mod echo;
mod fanout;

use std::net::Ipv4Addr;
use std::process::ExitCode;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use fanout::Topic;

/// Messages longer than this end the connection, as in every baseline.
const MAX_MESSAGE: usize = 64 << 20;

type Failure = Box<dyn std::error::Error>;

/// What is done with messages.
#[derive(Clone, Copy)]
enum Work {
    Echo,
    Fanout,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let served = runtime.map_err(Failure::from).and_then(|runtime| {
        let (work, port) = arguments()?;
        runtime.block_on(tokio::task::LocalSet::new().run_until(serve(work, port)))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tungstenite: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(Work, u16), Failure> {
    let (mut work, mut port) = (Work::Echo, 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match (name.as_str(), value.as_str()) {
            ("--work", "echo") => work = Work::Echo,
            ("--work", "fanout") => work = Work::Fanout,
            ("--port", value) => port = value.parse()?,
            _ => return Err(format!("cannot understand {name} {value}").into()),
        }
    }
    Ok((work, port))
}

/// Serves until standard input ends.
async fn serve(work: Work, port: u16) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let listening = listener.local_addr()?.port();
    println!(
        "{}",
        serde_json::json!({ "listening": listening, "pid": std::process::id() })
    );
    let topic = Topic::default();
    let mut input = [0; 64];
    let mut stdin = tokio::io::stdin();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                let topic = topic.clone();
                tokio::task::spawn_local(async move {
                    // A connection that fails has ended; the load generator says what it missed.
                    let _ = converse(stream, work, topic).await;
                });
            }
            read = stdin.read(&mut input) => if matches!(read, Ok(0) | Err(_)) {
                return Ok(());
            },
        }
    }
}

async fn converse(stream: TcpStream, work: Work, topic: Topic) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let socket: WebSocketStream<TcpStream> =
        tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
    match work {
        Work::Echo => echo::run(socket).await,
        Work::Fanout => fanout::run(socket, topic).await,
    }
}
