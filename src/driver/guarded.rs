//! Futures whose panics are caught and reported, so that a defect in one connection costs that
//! connection and not the process.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

/// Runs `future`; if it panics, calls `on_panic` with the panic's message instead of finishing.
pub(super) async fn guarded(future: impl Future<Output = ()>, on_panic: impl FnOnce(&str)) {
    if let Err(panic) = (Guarded {
        future: Box::pin(future),
    })
    .await
    {
        on_panic(message(&*panic));
    }
}

/// Spawns the life of one link on the current runtime.
pub(super) fn spawn_link(life: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(link_life(life));
}

/// A link's life; its task catches its own panics, and what is left is logged.
pub(super) async fn link_life(life: impl Future<Output = ()>) {
    guarded(life, |why| {
        tracing::error!(why, "a connection's task panicked")
    })
    .await;
}

struct Guarded<F> {
    future: Pin<Box<F>>,
}

impl<F: Future<Output = ()>> Future for Guarded<F> {
    type Output = std::thread::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The future is dropped after a panic and never polled again.
        match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

/// The text of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    match panic.downcast_ref::<&str>() {
        Some(text) => text,
        None => panic
            .downcast_ref::<String>()
            .map_or("no message", String::as_str),
    }
}
