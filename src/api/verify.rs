//! The application's verdict on a peer that shakes hands.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::task::AbortHandle;

use super::{door::Door, handshake::HandshakePeer};
use crate::{
    close_code::CloseCode,
    driver::{Handle, Verdict},
};

/// A peer is not wanted, and told why. The default is [`CloseCode::REJECTED_BY_POLICY`] without further words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why; [`CloseCode::OK`] is no reason, and sent as the default.
    pub code: CloseCode,
    /// For people, cut at 256 bytes.
    pub reason: String,
    /// When the peer should come back.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Without advice when to come back.
    pub fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            retry_after: None,
        }
    }

    /// Of a server that is gone.
    pub(super) fn going_away() -> Self {
        Self::new(CloseCode::SHUTDOWN, "the server is going away")
    }

    pub(super) fn into_verdict(self) -> Verdict {
        let code = match self.code {
            CloseCode::OK => CloseCode::REJECTED_BY_POLICY,
            code => code,
        };
        Verdict::Refuse {
            status: code.0,
            body: format!("{}\n{}", millis(self.retry_after), self.reason),
        }
    }
}

impl Default for Refusal {
    fn default() -> Self {
        Self::new(CloseCode::REJECTED_BY_POLICY, "")
    }
}

/// As the protocol has it, where 0 is no advice.
pub(super) fn millis(retry_after: Option<Duration>) -> u32 {
    let time = retry_after.unwrap_or_default().as_millis();
    u32::try_from(time).unwrap_or(u32::MAX)
}

type Deciding = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Decides about the peers of a server, or about the server that a client has called, in the handshake of
/// [`Protocol::Qwh`](crate::Protocol::Qwh).
///
/// The future runs as a task on the runtime that serves the connections. It is dropped if the peer leaves, or the
/// time of the handshake is over, before it has answered. A panic refuses the peer with [`CloseCode::INTERNAL`].
///
/// ```
/// use qwormhole::{CloseCode, Options, QwhOptions, Refusal, Verify, connect, listen};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> qwormhole::Result<()> {
/// let verify = Verify::new(|peer| async move {
///     match peer.handshake.meta.as_deref() {
///         Some(meta) if meta.contains("blue") => Ok(()),
///         _ => Err(Refusal::new(CloseCode::REJECTED_BY_POLICY, "only blue ones")),
///     }
/// });
/// let qwh = QwhOptions { verify: Some(verify), ..QwhOptions::default() };
/// let server = listen("tcp://127.0.0.1:0", Options { qwh, ..Options::default() }).await?;
///
/// let refused = tokio::select! {
///     result = connect(server.address(), Options::default()) => result.expect_err("not blue"),
///     _ = server.accept() => unreachable!(),
/// };
/// assert_eq!(refused.close_code(), Some(CloseCode::REJECTED_BY_POLICY));
///
/// let qwh = QwhOptions { meta: Some(r#"{"tags":["blue"]}"#.into()), ..QwhOptions::default() };
/// let connecting = connect(server.address(), Options { qwh, ..Options::default() });
/// let (client, connection) = tokio::join!(connecting, server.accept());
/// let (client, connection) = (client?, connection?);
/// assert_eq!(client.handshake().map(|info| info.sid), connection.handshake().map(|info| info.sid));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Verify(Arc<dyn Fn(HandshakePeer) -> Deciding + Send + Sync>);

impl Verify {
    /// From an asynchronous function.
    pub fn new<F>(decide: impl Fn(HandshakePeer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        Self(Arc::new(move |peer| Box::pin(decide(peer))))
    }

    /// Has `handle` told the verdict on `peer`, who has called `door`; with `None` we have called it.
    pub(super) fn ask(
        &self,
        peer: HandshakePeer,
        handle: &Arc<Handle>,
        door: Option<Weak<Door>>,
    ) -> AbortHandle {
        let decide = Arc::clone(&self.0);
        let question = Question {
            handle: Arc::clone(handle),
            door,
            is_answered: false,
        };
        let asking = async move {
            let verdict = decide(peer).await;
            question.answer(verdict);
        };
        tokio::spawn(asking).abort_handle()
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verify(..)")
    }
}

/// What a handshake waits for; a panic is an answer too.
struct Question {
    handle: Arc<Handle>,
    door: Option<Weak<Door>>,
    is_answered: bool,
}

impl Question {
    fn answer(mut self, verdict: Result<(), Refusal>) {
        let is_gone = |door: &Weak<Door>| door.strong_count() == 0;
        let verdict = match self.door.as_ref().is_some_and(is_gone) {
            true => verdict.and(Err(Refusal::going_away())),
            false => verdict,
        };
        self.is_answered = true;
        self.handle
            .judge(verdict.map_or_else(Refusal::into_verdict, |()| Verdict::Allow));
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.is_answered {
            // To a handshake that is over it means nothing.
            let reason = "the handshake could not be decided";
            let refusal = Refusal::new(CloseCode::INTERNAL, reason);
            self.handle.judge(refusal.into_verdict());
        }
    }
}
