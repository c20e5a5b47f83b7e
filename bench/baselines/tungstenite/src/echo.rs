//! Every message comes back.

use futures_util::future::poll_immediate;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;

use crate::Failure;

/// Echoes until the client closes. What has arrived is answered in one write.
pub async fn run(mut socket: WebSocketStream<TcpStream>) -> Result<(), Failure> {
    while let Some(message) = socket.next().await {
        let mut next = Some(message?);
        while let Some(message) = next {
            if message.is_text() || message.is_binary() {
                socket.feed(message).await?;
            }
            next = match poll_immediate(socket.next()).await {
                Some(Some(message)) => Some(message?),
                _ => None,
            };
        }
        socket.flush().await?;
    }
    Ok(())
}
