//! What one client sends, all subscribers get.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::Failure;

/// All subscribers, each with what it is still to get. A message's bytes are shared by all of them.
#[derive(Clone, Default)]
pub struct Topic {
    subscribers: Rc<RefCell<Vec<mpsc::UnboundedSender<Message>>>>,
}

impl Topic {
    fn subscribe(&self) -> mpsc::UnboundedReceiver<Message> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.subscribers.borrow_mut().push(sender);
        receiver
    }

    /// Subscribers that are gone are forgotten.
    fn publish(&self, message: &Message) {
        self.subscribers
            .borrow_mut()
            .retain(|subscriber| subscriber.send(message.clone()).is_ok());
    }
}

/// Serves one client until it closes. Reading and writing are a task each: a wake-up to write must not cost
/// an attempt to read.
pub async fn run(socket: WebSocketStream<TcpStream>, topic: Topic) -> Result<(), Failure> {
    let (mut sink, mut stream) = socket.split();
    while let Some(message) = stream.next().await {
        match message? {
            message @ Message::Binary(_) => topic.publish(&message),
            Message::Text(_) => {
                sink.send(Message::text("subscribed")).await?;
                tokio::task::spawn_local(deliver(sink, topic.subscribe()));
                break;
            }
            _ => {}
        }
    }
    while let Some(message) = stream.next().await {
        if let message @ Message::Binary(_) = message? {
            topic.publish(&message);
        }
    }
    Ok(())
}

/// Passes on what is published, all that is there in one write.
async fn deliver(
    mut sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    mut deliveries: mpsc::UnboundedReceiver<Message>,
) -> Result<(), tungstenite::Error> {
    while let Some(message) = deliveries.recv().await {
        sink.feed(message).await?;
        while let Ok(message) = deliveries.try_recv() {
            sink.feed(message).await?;
        }
        sink.flush().await?;
    }
    Ok(())
}
