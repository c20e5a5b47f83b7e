//! The handshake of QWH/1 over its carrier, in both roles: until both ends are ready, or one of them is not wanted.

mod pipe;

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::timeout;

pub(super) use self::pipe::Pipe;
use self::pipe::{Frames, gone, part};
use super::{
    handle::{Handle, Verdict},
    incoming::Incoming,
    poller::NewLink,
    records::Records,
    sink::{Agreed, Closed, Ends, Sink},
    stream::Stream,
    task::LinkTask,
    under_way::{Place, UnderWay},
    upgrade::{refused, unless_terminated},
};
use crate::{
    close_code::CloseCode,
    error::{Code, Error, Result},
    link::{Inbound, Outbound},
    qwh::{
        self, Carrier, Event, Failure, Handshake, Hello, Origin, Peer, ReceiveLimits, Session,
        Settings, Side,
    },
    socket,
    tls::or_left,
};

/// So much of what a peer sends behind its READY is kept until it is accepted.
const MAX_EARLY: usize = 16 * 1024;

/// How long a peer may take to read why it is not wanted.
const LINGER: Duration = Duration::from_secs(1);

const EXPORTER: &[u8] = b"EXPORTER-QWormhole-v1";

/// The subprotocol that chooses QWH/1 on WebSocket.
pub(super) const SUBPROTOCOL: &str = "qwh.v1";

/// What the connections of one listener, or of one call, begin with.
#[derive(Debug)]
pub(crate) struct Meeting {
    pub side: Side,
    /// Ours, but for the session, which each connection has for itself.
    pub hello: Hello,
    pub limits: ReceiveLimits,
    /// For all of the handshake, the verdict included.
    pub timeout: Duration,
    /// Of a listener: nobody else is admitted.
    pub is_required: bool,
    /// Of a listener: handshakes under way.
    pub under_way: Arc<UnderWay>,
}

/// What a connection is before its first byte, and what else it may turn out to be.
pub(super) struct Begin {
    pub ends: Ends,
    /// What the carrier agreed on.
    pub agreed: Agreed,
    pub pipe: Pipe,
    /// What a stream is that does not begin with a preamble.
    pub otherwise: Option<Inbound>,
}

/// Shakes hands within the time that the settings and `within` leave, and opens the link; a handshake that fails
/// is the link's end.
pub(super) async fn meet<S: Sink>(
    mut stream: Stream,
    mut link: NewLink<S, ()>,
    meeting: &Meeting,
    begin: Begin,
    within: Duration,
) -> Option<LinkTask<S>> {
    let Begin {
        ends,
        agreed,
        mut pipe,
        otherwise,
    } = begin;
    let handle = Arc::clone(&link.handle);
    let responds = meeting.side == Side::Responder;
    let mut place = match place_for(meeting, &handle, ends) {
        Ok(place) => place,
        Err(error) => {
            // The cheapest answer, however many they are.
            socket::reset_on_close(stream.socket());
            link.sink.unmet(ends, &error);
            link.sink.closed(Closed::fault(error));
            return None;
        }
    };
    let within = within.min(meeting.timeout);
    let mut course = None;
    let work = async {
        if responds {
            match pipe.hear(&mut stream).await {
                Ok(true) => {}
                Ok(false) => return Ok(Outcome::Left(None)),
                Err(error) => return Ok(Outcome::Left(Some(or_left(error)))),
            }
        }
        if let Some(inbound) = otherwise
            && !meeting.is_required
            && !pipe.sniff(&mut stream).await?
        {
            return Ok(Outcome::Other(inbound));
        }
        let course = course.insert(Course::new(meeting, &stream, &pipe)?);
        course
            .run(
                &mut stream,
                &mut pipe,
                &mut link,
                &mut place,
                (ends, &agreed),
            )
            .await
    };
    // Who is reset is told nothing, nor waited for.
    let mut is_reset = false;
    let outcome = match unless_terminated(&handle, timeout(within, work)).await {
        Some(Ok(outcome)) => outcome,
        Some(Err(_)) => match &mut course {
            Some(course) => Err(late(&mut stream, &mut pipe, course, responds, within).await),
            None => {
                is_reset = true;
                Err(mute())
            }
        },
        None => {
            is_reset = true;
            Err(crowded("this peer had said nothing for the longest"))
        }
    };
    match outcome {
        Ok(Outcome::Met(met)) => {
            drop(place);
            Some(open(stream, link, meeting, (ends, agreed), pipe, met))
        }
        Ok(Outcome::Other(inbound)) => {
            drop(place);
            let incoming = Incoming::Stream(inbound, pipe.into_first());
            let (link, ()) = link.rebegin(incoming);
            Some(LinkTask::start(stream, ends, link, agreed))
        }
        Ok(Outcome::Left(error)) => {
            // A probe of the port has not begun a handshake. Who says nothing after that of TLS has refused it.
            if let Some(error) = error.filter(|_| stream.is_secured()) {
                link.sink.insecure(ends, &error);
            }
            link.sink.closed(Closed::cut());
            None
        }
        Err(error) => {
            drop(place);
            let code = CloseCode::of(&error);
            let (error, reason) = match course {
                Some(course) => course.failed(error, &pipe),
                None => (error, String::new()),
            };
            if responds {
                link.sink.unmet(ends, &error);
            }
            link.sink.closed(Closed::fault(error));
            match is_reset {
                true => socket::reset_on_close(stream.socket()),
                false => part(&mut stream, &mut pipe, code, reason).await,
            }
            None
        }
    }
}

/// The place of a peer that has called us.
fn place_for(meeting: &Meeting, handle: &Arc<Handle>, ends: Ends) -> Result<Option<Place>> {
    if meeting.side == Side::Initiator {
        return Ok(None);
    }
    match meeting.under_way.enter(handle, ends.remote.ip()) {
        Some(place) => Ok(Some(place)),
        None => Err(crowded("all of them waited for a verdict")),
    }
}

fn mute() -> Error {
    let why = "the peer did not say in time which protocol it speaks";
    Error::new(Code::Handshake, why).with("closeCode", CloseCode::TIMEOUT.0.into())
}

/// There is no place for all who come.
fn crowded(why: &str) -> Error {
    let context = format!("there were too many handshakes, and {why}");
    Error::new(Code::Resources, context).with("closeCode", CloseCode::BUSY.0.into())
}

/// The time is over: the peer is told.
async fn late(
    stream: &mut Stream,
    pipe: &mut Pipe,
    course: &mut Course,
    responds: bool,
    within: Duration,
) -> Error {
    course.handshake.time_out();
    let mut failed = None;
    while let Some(event) = course.handshake.next_event() {
        match event {
            // As far as it goes: whoever does not read has no use for it.
            Event::Send(bytes) => {
                let _ = timeout(LINGER, pipe.write(stream, &bytes)).await;
            }
            Event::Failed(failure) => {
                course.reason.clone_from(&failure.reason);
                failed = Some(failure);
            }
            Event::Verify(_) | Event::Ready(_) => {}
        }
    }
    match failed.filter(|_| responds) {
        Some(failure) => failed_error(&failure),
        None => Error::new(
            Code::ConnectTimeout,
            format!("the handshake took longer than {} ms", within.as_millis()),
        ),
    }
}

enum Outcome {
    Met(Met),
    /// A client has left without a word, by an end or by an error.
    Left(Option<Error>),
    /// It speaks something else.
    Other(Inbound),
}

/// Where the records go on.
struct Met {
    record_rest: usize,
    /// The rest of that record, or on a stream all that has come.
    first: Vec<u8>,
    /// Further records.
    records: VecDeque<Vec<u8>>,
    /// How long the peer bears our silence.
    peer_timeout: Option<Duration>,
}

fn open<S: Sink>(
    stream: Stream,
    link: NewLink<S, ()>,
    meeting: &Meeting,
    (ends, mut agreed): (Ends, Agreed),
    pipe: Pipe,
    met: Met,
) -> LinkTask<S> {
    let Met {
        record_rest,
        first,
        records,
        peer_timeout,
    } = met;
    agreed.peer_timeout = peer_timeout;
    let decoder = |carrier| qwh::Decoder::new(carrier, meeting.limits, record_rest, first);
    let (out, incoming) = match pipe {
        Pipe::Stream(_) => {
            let decoder = decoder(Carrier::Stream);
            (Outbound::packed(None), Incoming::Qwh(Box::new(decoder)))
        }
        Pipe::Messages(frames) => {
            let Frames {
                decoder: frames,
                encoder,
                waiting,
            } = *frames;
            // What came with the peer's READY was read with it.
            let records = records.into_iter().chain(waiting);
            let records = Records::new(frames, decoder(Carrier::Messages), records);
            (
                Outbound::packed(Some(encoder)),
                Incoming::Records(Box::new(records)),
            )
        }
    };
    link.handle.lock().out = out;
    let (link, ()) = link.rebegin(incoming);
    LinkTask::start(stream, ends, link, agreed)
}

/// One handshake.
struct Course {
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
    fn new(meeting: &Meeting, stream: &Stream, pipe: &Pipe) -> Result<Self> {
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

    async fn run<S: Sink>(
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
                        return Err(failed_error(&failure));
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
                Input::End => self.end(pipe)?,
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
    fn end(&mut self, pipe: &Pipe) -> Result<()> {
        let has_left = self.early == 0 || self.handshake.wants_bytes();
        if has_left || matches!(pipe, Pipe::Messages(_)) {
            return Err(gone());
        }
        self.has_ended = true;
        Ok(())
    }

    /// What the owner is told of `error`, and the peer.
    fn failed(self, error: Error, pipe: &Pipe) -> (Error, String) {
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
fn failed_error(failure: &Failure) -> Error {
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
    Error::new(kind, format!("{who} with code {}{why}", code.0))
        .with("closeCode", code.0.into())
        .with("retryAfterMs", *retry_after_ms as usize)
}
