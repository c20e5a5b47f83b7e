//! The connections by number, and the bytes each of them is owed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Replies coalesced into one write at most: what one `recv_many` takes.
const BATCH: usize = 256;

/// The way from JavaScript to each connection's writer.
#[derive(Default)]
pub struct Peers {
    next: AtomicU32,
    senders: Mutex<HashMap<u32, UnboundedSender<Vec<u8>>>>,
}

impl Peers {
    /// A number for a new connection, and the replies it will be owed.
    pub fn join(&self) -> (u32, UnboundedReceiver<Vec<u8>>) {
        let (sender, replies) = unbounded_channel();
        let connection = self.next.fetch_add(1, Ordering::Relaxed);
        self.locked().insert(connection, sender);
        (connection, replies)
    }

    /// Forgets a connection; its writer ends when all it is owed is written.
    pub fn leave(&self, connection: u32) {
        self.locked().remove(&connection);
    }

    /// Queues one message.
    pub fn send(&self, connection: u32, message: &[u8]) {
        if let Some(sender) = self.locked().get(&connection) {
            // The writer is gone when its socket failed: then nobody is left to tell.
            let _ = sender.send(message.to_vec());
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<u32, UnboundedSender<Vec<u8>>>> {
        // The map is whole between any two of its own calls, also after a panic elsewhere.
        self.senders
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Frames and writes what is owed, everything that waits in one write.
pub async fn write(
    mut writer: OwnedWriteHalf,
    mut replies: UnboundedReceiver<Vec<u8>>,
) -> std::io::Result<()> {
    let (mut batch, mut output) = (Vec::with_capacity(BATCH), Vec::new());
    while replies.recv_many(&mut batch, BATCH).await > 0 {
        for message in batch.drain(..) {
            // Messages are replies to messages, which the reader caps far below u32::MAX.
            output.extend_from_slice(&(message.len() as u32).to_be_bytes());
            output.extend_from_slice(&message);
        }
        writer.write_all(&output).await?;
        output.clear();
    }
    Ok(())
}
