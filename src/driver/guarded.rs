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
#[cfg(any(feature = "addon", feature = "fuzzing", test))]
pub(super) async fn guarded(future: impl Future<Output = ()>, on_panic: impl FnOnce(&str)) {
    if let Err(why) = Guarded::new(Box::pin(future)).await {
        on_panic(&why);
    }
}

/// A future whose panic is what it resolves with: the panic's message.
pub(super) struct Guarded<F: ?Sized> {
    future: Pin<Box<F>>,
}

impl<F: Future + ?Sized> Guarded<F> {
    pub(super) fn new(future: Pin<Box<F>>) -> Self {
        Self { future }
    }
}

impl<F: Future + ?Sized> Future for Guarded<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The future is dropped after a panic and never polled again.
        match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(message(&*panic).to_owned())),
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
