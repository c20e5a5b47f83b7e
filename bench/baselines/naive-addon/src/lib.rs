//! The addon most people would write first: tokio for the sockets, one threadsafe call with one
//! `Buffer` per message into JavaScript, one call with one `Buffer` per reply back.
//!
//! It is a baseline, written with care but without tricks: buffered reads, replies coalesced per
//! connection, all cores. What it pays is the boundary, per message.

mod peers;

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

use napi::bindgen_prelude::{Buffer, FnArgs, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Error, Status};
use napi_derive::napi;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use peers::Peers;

/// Longer frames end the connection.
const MAX_MESSAGE: usize = 64 << 20;

/// Bytes asked of the kernel per read: the same as libuv.
const READ: usize = 64 << 10;

/// The JavaScript handler: connection and message. Without the error-first argument.
type OnMessage =
    ThreadsafeFunction<FnArgs<(u32, Buffer)>, (), FnArgs<(u32, Buffer)>, Status, false>;

/// The one server of the process; its runtime lives as long as the process does.
static SERVER: OnceLock<Server> = OnceLock::new();

struct Server {
    runtime: Runtime,
    peers: Arc<Peers>,
}

impl Server {
    fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_io()
            .build()?;
        let peers = Arc::new(Peers::default());
        Ok(Self { runtime, peers })
    }
}

/// Listens on `port` of loopback (0 takes a free one), calls `on_message(connection, message)` for
/// every message, and returns the port.
#[napi]
pub fn listen(port: u16, on_message: OnMessage) -> Result<u16> {
    let server = Server::start()?;
    let listener = server
        .runtime
        .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
    let bound = listener.local_addr()?.port();
    server.runtime.spawn(accept(
        listener,
        Arc::clone(&server.peers),
        Arc::new(on_message),
    ));
    let kept = SERVER.set(server);
    kept.map_err(|_| Error::from_reason("this process already has a server"))?;
    Ok(bound)
}

/// Sends one message; one to a connection that has gone is dropped.
#[napi]
pub fn send(connection: u32, message: Buffer) {
    if let Some(server) = SERVER.get() {
        server.peers.send(connection, &message);
    }
}

async fn accept(listener: TcpListener, peers: Arc<Peers>, on_message: Arc<OnMessage>) {
    // A listener that fails ends the server; the connections it has go on.
    while let Ok((stream, _)) = listener.accept().await {
        let (peers, on_message) = (Arc::clone(&peers), Arc::clone(&on_message));
        tokio::spawn(async move {
            // How a connection ended is nobody's concern in an echo server.
            let _ = serve(stream, &peers, &on_message).await;
        });
    }
}

async fn serve(stream: TcpStream, peers: &Peers, on_message: &OnMessage) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    let (connection, replies) = peers.join();
    tokio::spawn(peers::write(writer, replies));
    let ended = read(
        BufReader::with_capacity(READ, reader),
        connection,
        on_message,
    )
    .await;
    peers.leave(connection);
    ended
}

async fn read(
    mut reader: BufReader<OwnedReadHalf>,
    connection: u32,
    on_message: &OnMessage,
) -> std::io::Result<()> {
    loop {
        let size = reader.read_u32().await? as usize;
        if size > MAX_MESSAGE {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut message = vec![0; size];
        reader.read_exact(&mut message).await?;
        let arguments = (connection, Buffer::from(message)).into();
        on_message.call(arguments, ThreadsafeFunctionCallMode::NonBlocking);
    }
}
