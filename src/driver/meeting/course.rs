//! One handshake of QWH/1 on its way: what comes goes to the state machine, what that wants goes out.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    LINGER, Meeting,
    pipe::{Pipe, gone},
};
use crate::{
    close_code::CloseCode,
    driver::{
        handle::{Handle, Verdict},
        here::timeout,
        new_link::NewLink,
        sink::{Agreed, Ends, Sink},
        stream::Stream,
        under_way::Place,
        upgrade::refused,
    },
    error::{Code, Error, Result},
    link::Inbound,
    qwh::{Event, Failure, Handshake, Hello, Origin, Peer, Session, Settings, Side},
};

/// So much of what a peer sends behind its READY is kept until it is accepted.
const MAX_EARLY: usize = 16 * 1024;

const EXPORTER: &[u8] = b"EXPORTER-QWormhole-v1";

/// What a handshake comes to.
pub(super) enum Outcome {
    Met(Met),
    /// A client has left without a word, by an end or by an error.
    Left(Option<Error>),
    /// It speaks something else.
    Other(Inbound),
}

/// Where the records go on.
pub(super) struct Met {
    pub record_rest: usize,
    /// The rest of that record, or on a stream all that has come.
    pub first: Vec<u8>,
    /// Further records.
    pub records: VecDeque<Vec<u8>>,
    /// How long the peer bears our silence.
    pub peer_timeout: Option<Duration>,
}

/// One handshake.
pub(super) struct Course {
    handshake: Handshake,
    side: Side,
    /// Ours, if we respond.
    sid: [u8; 16],
    /// It waits for our owner.
    is_asked: bool,
    /// On a stream what is behind the peer's READY, else the rest of its record.
    first: Vec<u8>,
    records: VecDeque<Vec<u8>>,
    early: usize,
    /// The peer has said something.
    is_answered: bool,
    /// The peer has ended its side behind its READY.
    has_ended: bool,
    /// Why it failed, as far as the peer is told.
    reason: String,
    /// Before what was read or written last the server that we called could still refuse us by TLS.
    may_be_refused: bool,
    /// How long the peer bears our silence.
    peer_timeout: Option<Duration>,
}

/// What comes next.
enum Input {
    Verdict(Verdict),
    Bytes(Vec<u8>),
    End,
}

impl Course {
    pub(super) fn new(meeting: &Meeting, stream: &Stream, pipe: &Pipe) -> Result<Self> {
        let mut sid = [0; 16];
        getrandom::fill(&mut sid)
            .map_err(|error| Error::new(Code::Resources, format!("no random bytes: {error}")))?;
        let session = match meeting.side {
            Side::Initiator => Session::Wish {
                sid,
                epoch: 0,
                token: [0; 32],
            },
            Side::Responder => Session::Answer {
                result: 0,
                sid,
                epoch: 0,
            },
        };
        let handshake = Handshake::new(Settings {
            side: meeting.side,
            carrier: pipe.carrier(),
            hello: Hello {
                session: Some(session),
                ..meeting.hello.clone()
            },
            exporter: stream.export(EXPORTER)?,
            route: None,
        })?;
        Ok(Self {
            handshake,
            side: meeting.side,
            sid,
            is_asked: false,
            first: Vec::new(),
            records: VecDeque::new(),
            early: 0,
            is_answered: false,
            has_ended: false,
            reason: String::new(),
            may_be_refused: false,
            peer_timeout: None,
        })
    }

    pub(super) async fn run<S: Sink>(
        &mut self,
        stream: &mut Stream,
        pipe: &mut Pipe,
        link: &mut NewLink<S, ()>,
        place: &mut Option<Place>,
        (ends, agreed): (Ends, &Agreed),
    ) -> Result<Outcome> {
        loop {
            self.may_be_refused = stream.may_be_refused();
            while let Some(event) = self.handshake.next_event() {
                match event {
                    Event::Send(bytes) => pipe.write(stream, &bytes).await?,
                    Event::Verify(peer) => {
                        if let Some(place) = place {
                            place.keep();
                        }
                        self.is_asked = true;
                        self.peer_timeout = silence(peer.hello.limits.idle_ms);
                        let tls = stream.info();
                        link.sink.met(ends, agreed, tls, &self.sid_of(&peer), &peer);
                    }
                    Event::Ready(ready) => {
                        return Ok(Outcome::Met(Met {
                            record_rest: ready.record_rest,
                            first: std::mem::take(&mut self.first),
                            records: std::mem::take(&mut self.records),
                            peer_timeout: self.peer_timeout,
                        }));
                    }
                    Event::Failed(failure) => {
                        self.reason.clone_from(&failure.reason);
                        return Err(failed_error(&failure, self.side));
                    }
                }
            }
            let handle = Arc::clone(&link.handle);
            match poll_fn(|cx| self.poll_input(stream, pipe, &handle, cx)).await? {
                Input::Verdict(verdict) => {
                    if let Some(place) = place {
                        place.release();
                    }
                    self.decide(verdict);
                }
                Input::Bytes(bytes) => self.take(bytes, pipe),
                Input::End => self.end()?,
            }
        }
    }

    fn sid_of(&self, peer: &Peer) -> [u8; 16] {
        match (self.side, peer.hello.session) {
            (Side::Initiator, Some(Session::Answer { sid, .. })) => sid,
            _ => self.sid,
        }
    }

    fn poll_input(
        &self,
        stream: &mut Stream,
        pipe: &mut Pipe,
        handle: &Handle,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Input>> {
        if self.is_asked
            && let Some(verdict) = handle.poll_verdict(cx)
        {
            return Poll::Ready(Ok(Input::Verdict(verdict)));
        }
        // Of one that has sent more its leaving is noticed only at the verdict.
        if self.has_ended || self.early >= MAX_EARLY {
            return Poll::Pending;
        }
        pipe.poll_read(stream, cx).map_ok(|bytes| match bytes {
            Some(bytes) => Input::Bytes(bytes),
            None => Input::End,
        })
    }

    fn decide(&mut self, verdict: Verdict) {
        self.is_asked = false;
        match verdict {
            Verdict::Allow => self.handshake.accept(),
            Verdict::Refuse { status, body } => {
                let (retry, reason) = body.split_once('\n').unwrap_or(("", &body));
                let retry = retry.parse().unwrap_or(0);
                self.handshake.refuse(CloseCode(status), reason, retry);
            }
            // Of another question: a defect of the owner's.
            Verdict::Accept { .. } | Verdict::Deny | Verdict::Show(_) => {
                self.handshake.refuse(CloseCode::INTERNAL, "", 0);
            }
        }
    }

    fn take(&mut self, bytes: Vec<u8>, pipe: &Pipe) {
        self.is_answered = true;
        let wanted = self.handshake.wants_bytes();
        let taken = match wanted {
            true => self.handshake.receive(&bytes),
            false => 0,
        };
        let rest = bytes.get(taken..).unwrap_or_default();
        self.early += rest.len();
        match pipe {
            Pipe::Messages(_) if !wanted => self.records.push_back(bytes),
            _ => self.first.extend_from_slice(rest),
        }
    }

    /// A peer that waits for our verdict may have said all that it will ever say, a GOAWAY at the least.
    fn end(&mut self) -> Result<()> {
        if self.early == 0 || self.handshake.wants_bytes() {
            return Err(gone());
        }
        self.has_ended = true;
        Ok(())
    }

    /// The time is over: the peer is told.
    pub(super) async fn late(
        &mut self,
        stream: &mut Stream,
        pipe: &mut Pipe,
        within: Duration,
    ) -> Error {
        self.handshake.time_out();
        let mut failed = None;
        while let Some(event) = self.handshake.next_event() {
            match event {
                // As far as it goes: whoever does not read has no use for it.
                Event::Send(bytes) => {
                    let _ = timeout(LINGER, pipe.write(stream, &bytes)).await;
                }
                Event::Failed(failure) => {
                    self.reason.clone_from(&failure.reason);
                    failed = Some(failure);
                }
                Event::Verify(_) | Event::Ready(_) => {}
            }
        }
        match failed.filter(|_| self.side == Side::Responder) {
            Some(failure) => failed_error(&failure, self.side),
            None => Error::new(
                Code::ConnectTimeout,
                format!("the handshake took longer than {} ms", within.as_millis()),
            ),
        }
    }

    /// What the owner is told of `error`, and the peer.
    pub(super) fn failed(self, error: Error, pipe: &Pipe) -> (Error, String) {
        let is_mute = self.side == Side::Initiator && !self.is_answered;
        let error = match refused(error, self.may_be_refused) {
            error if error.code() != Code::ConnectionLost || !is_mute => error,
            error if matches!(pipe, Pipe::Messages(_)) => error,
            error => {
                let why = "the server ended the connection without an answer: it may not speak qwh, so set \
                           `protocol` to what it speaks";
                let code = CloseCode::TIMEOUT.0.into();
                error.meaning(Code::Handshake, why).with("closeCode", code)
            }
        };
        (error, self.reason)
    }
}

/// A time of a HELLO, where 0 stands for ever.
fn silence(ms: u32) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms.into()))
}

/// Why there is no connection, as the other backend words it.
fn failed_error(failure: &Failure, side: Side) -> Error {
    const BROKEN: [CloseCode; 4] = [
        CloseCode::PROTOCOL,
        CloseCode::TOO_BIG,
        CloseCode::BAD_PREAMBLE,
        CloseCode::TIMEOUT,
    ];
    let Failure {
        code,
        reason,
        origin,
        retry_after_ms,
        misfit,
    } = failure;
    let why = match reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let (kind, who) = match origin {
        Origin::Local if BROKEN.contains(code) => (Code::Handshake, "the handshake failed"),
        Origin::Local => (Code::HandshakeRefused, "the peer was refused"),
        Origin::Remote => (Code::HandshakeRefused, "the peer refused the handshake"),
    };
    let error = Error::new(kind, format!("{who} with code {}{why}", code.0))
        .with("closeCode", code.0.into())
        .with("retryAfterMs", *retry_after_ms as usize);
    match misfit {
        // What was parsed can be encoded. The owner says what it is that does not fit.
        Some(hello) => {
            let bytes = hello.encode(side == Side::Responder).unwrap_or_default();
            error.with_word("hello", BASE64_URL_SAFE_NO_PAD.encode(bytes))
        }
        None => error,
    }
}
