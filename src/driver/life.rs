//! The life of one link as one task: how it comes up, and then the link itself.
//!
//! Coming up takes kilobytes: a head that is read and answered, timers, what a refusal needs. It is in memory of
//! its own, which is given back when the link is up, because most connections are idle for most of their
//! life and there may be very many of them.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{guarded::Guarded, here, sink::Sink, task::LinkTask};

/// A link from its beginning to its end.
pub(super) struct Life<S: Sink>(State<S>);

#[allow(
    clippy::large_enum_variant,
    reason = "the large variant is what nearly all are nearly always"
)]
enum State<S: Sink> {
    /// Connecting, or shaking hands; `None` comes of it if the link ended so, and its consumer knows.
    Beginning(Guarded<dyn Future<Output = Option<LinkTask<S>>> + Send>),
    Running(LinkTask<S>),
    Over,
}

impl<S: Sink> Life<S> {
    /// One that begins with `beginning`.
    pub(super) fn new(
        beginning: impl Future<Output = Option<LinkTask<S>>> + Send + 'static,
    ) -> Self {
        Self(State::Beginning(Guarded::new(Box::pin(beginning))))
    }

    /// Runs it beside the current task.
    pub(super) fn spawn(self) {
        here::spawn(self);
    }
}

impl<S: Sink> From<LinkTask<S>> for Life<S> {
    fn from(link: LinkTask<S>) -> Self {
        Self(State::Running(link))
    }
}

impl<S: Sink> Future for Life<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let next = match &mut self.0 {
                State::Beginning(beginning) => match Pin::new(beginning).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(Some(link))) => State::Running(link),
                    Poll::Ready(Ok(None)) => State::Over,
                    Poll::Ready(Err(why)) => {
                        tracing::error!(why, "a connection's task panicked");
                        State::Over
                    }
                },
                // Catches its own panics.
                State::Running(link) => match Pin::new(link).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => State::Over,
                },
                State::Over => return Poll::Ready(()),
            };
            self.0 = next;
        }
    }
}
