//! A real connection, on which a link writes and the test reads.

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    sync::{LazyLock, Mutex},
};

use tokio::{
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    runtime::{Builder, Runtime},
};

use crate::socket::reset_on_close_now;

/// Where connections are made, one at a time, and the reactor that knows them to be writable.
static PLACE: LazyLock<Mutex<(TcpListener, Runtime)>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_io().build();
    let listener = TcpListener::bind("127.0.0.1:0");
    Mutex::new((listener.expect("listens"), runtime.expect("starts")))
});

pub(super) struct Wire {
    peer: TcpStream,
    _reader: OwnedReadHalf,
}

impl Wire {
    /// With what a link writes to.
    pub(super) fn new() -> (Self, OwnedWriteHalf) {
        let place = PLACE.lock().expect("whole");
        let (listener, runtime) = &*place;
        let peer = TcpStream::connect(listener.local_addr().expect("an address"));
        let (stream, _) = listener.accept().expect("accepts");
        stream.set_nonblocking(true).expect("an option");
        let (reader, writer) = runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).expect("registers");
            stream.writable().await.expect("writable");
            stream.into_split()
        });
        let peer = peer.expect("connects");
        peer.set_nonblocking(true).expect("an option");
        let wire = Self {
            peer,
            _reader: reader,
        };
        (wire, writer)
    }

    /// Everything that was written.
    pub(super) fn read(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Ends with what would block, or with the link's end.
        let _ = self.peer.read_to_end(&mut bytes);
        bytes
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Thousands of them would use up the ports.
        reset_on_close_now(&self.peer);
    }
}
