//! From a TCP connection to a WebSocket, in both roles.

use std::{
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::{
    handle::{Handle, Verdict},
    here::timeout,
    incoming::Incoming,
    meeting::{Begin, Meeting, Pipe, SUBPROTOCOL, meet},
    new_link::NewLink,
    opening::{Call, Opening},
    sink::{Agreed, Closed, Ends, Sink},
    stream::Stream,
    task::LinkTask,
};
use crate::{
    error::{Code, Error, Result},
    link::{Outbound, ReceiveLimits},
    qwh::limits::MAX_RECORD,
    socket,
    tls::{gone, or_left},
    ws::{
        Decoder, Encoder, HeadLimits, Params, Role,
        client::{Answer, ClientHandshake, Declined, Wish},
        headers::latin1,
        request::{Request, RequestHead, RequestReader},
        response,
    },
};

/// Bytes read at once: most heads are smaller.
const READ: usize = 4 * 1024;

/// So much of what a client sends before it was told that it may is kept; nobody who follows the rules
/// sends any (RFC 6455, section 4.1). Of one that has sent more its leaving is noticed only at the verdict.
const MAX_EARLY: usize = 16 * 1024;

/// How long a refusal may take to reach its client, and its body behind the head.
const LINGER: Duration = Duration::from_secs(1);

/// Agrees with the peer and opens the link; a handshake that fails is the link's end.
pub(super) async fn upgrade<S: Sink>(
    mut stream: Stream,
    ends: Ends,
    mut link: NewLink<S, ()>,
    opening: &Opening,
    within: Duration,
) -> Option<LinkTask<S>> {
    let handle = Arc::clone(&link.handle);
    let started = Instant::now();
    let whole = within;
    let within = within.min(opening.timeout);
    let mut is_asked = false;
    let agreeing = async {
        match &opening.call {
            Some(call) => Ok(Some(Box::pin(ask(&mut stream, call, opening)).await?)),
            None => answer(&mut stream, ends, &mut link, opening, &mut is_asked).await,
        }
    };
    let agreement = match unless_terminated(&handle, timeout(within, agreeing)).await {
        Some(Ok(agreement)) => agreement,
        Some(Err(_)) => Err(too_late(within)),
        None => {
            socket::reset_on_close(stream.socket());
            // Those who wait for the owner keep their place.
            if opening.role() == Role::Server && !is_asked {
                let why = "this peer had said nothing for the longest";
                link.sink.unmet(ends, &crowded(opening, why));
            }
            Ok(None)
        }
    };
    let closed = match agreement {
        Ok(Some(agreement)) => match agreement.meeting(opening) {
            None => return Some(open(stream, ends, link, opening, agreement)),
            Some(meeting) => {
                let begin = agreement.begin(ends, opening);
                // A client's own time covers more than this handshake; a server has one for both.
                let whole = match opening.role() {
                    Role::Client => whole,
                    Role::Server => within,
                };
                let left = whole.saturating_sub(started.elapsed());
                return Box::pin(meet(stream, link, &meeting, begin, left)).await;
            }
        },
        Ok(None) => Closed::cut(),
        Err(error) => {
            if is_unwelcome(&error) && opening.role() == Role::Server {
                link.sink.insecure(ends, &error);
                link.sink.closed(Closed::fault(error));
                return None;
            }
            let (status, why) = (status_of(&error, is_asked), error.context().to_owned());
            // The owner first: a client may take its time to hear of it.
            if opening.role() == Role::Server && !is_asked && error.code() != Code::ConnectionLost {
                link.sink.unmet(ends, &no_request(status, &why));
            }
            link.sink.closed(Closed::fault(error));
            if opening.role() == Role::Server {
                refuse(&mut stream, status, &why).await;
            }
            return None;
        }
    };
    link.sink.closed(closed);
    None
}

/// What both ends agreed on, and the bytes that came behind it.
pub(super) struct Agreement {
    pub subprotocol: String,
    pub deflate: Option<Params>,
    pub first: Vec<u8>,
}

impl Agreement {
    /// How QWH/1 begins, if that was chosen.
    fn meeting(&self, opening: &Opening) -> Option<Arc<Meeting>> {
        let is_chosen = self.subprotocol == SUBPROTOCOL;
        opening.qwh.clone().filter(|_| is_chosen)
    }

    /// Records go over it from now on, none of them compressed.
    fn begin(self, ends: Ends, opening: &Opening) -> Begin {
        let role = opening.role();
        let limits = ReceiveLimits {
            max_message: MAX_RECORD,
            ..opening.limits
        };
        let decoder = Decoder::new(role, limits, None, self.first);
        let agreed = Agreed {
            subprotocol: self.subprotocol,
            ..Agreed::default()
        };
        Begin {
            ends,
            agreed,
            pipe: Pipe::messages(decoder, Encoder::new(role, None)),
            otherwise: None,
        }
    }

    /// Has `handle` speak in frames from now on, and gives the other half of the link.
    pub(super) fn conclude(self, handle: &Handle, opening: &Opening) -> (Incoming, Agreed) {
        let role = opening.role();
        let compression = self
            .deflate
            .zip(opening.deflate.map(|(_, compression)| compression));
        handle.lock().out = Outbound::framed(Encoder::new(role, compression));
        let decoder = Decoder::new(role, opening.limits, self.deflate.as_ref(), self.first);
        let agreed = Agreed {
            subprotocol: self.subprotocol,
            is_deflated: self.deflate.is_some(),
            ..Agreed::default()
        };
        (Incoming::WebSocket(Box::new(decoder)), agreed)
    }
}

fn open<S: Sink>(
    stream: Stream,
    ends: Ends,
    link: NewLink<S, ()>,
    opening: &Opening,
    agreement: Agreement,
) -> LinkTask<S> {
    let (incoming, agreed) = agreement.conclude(&link.handle, opening);
    let (link, ()) = link.rebegin(incoming);
    LinkTask::start(stream, ends, link, agreed)
}

/// As the client.
async fn ask(stream: &mut Stream, call: &Call, opening: &Opening) -> Result<Agreement> {
    let subprotocols: Vec<_> = call.subprotocols.iter().map(String::as_str).collect();
    let headers: Vec<_> = call
        .headers
        .iter()
        .map(|(name, value)| Ok((name.as_str(), latin1(name, value)?)))
        .collect::<Result<_>>()?;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_slice()))
        .collect();
    let (mut handshake, request) = ClientHandshake::start(&Wish {
        target: &call.target,
        host: &call.authority,
        protocols: &subprotocols,
        deflate: opening.deflate.map(|(params, _)| params),
        headers: &headers,
        limits: opening.head,
    })?;
    let may_be_refused = stream.may_be_refused();
    let written = stream.write_all(&request).await.map_err(lost);
    written.map_err(|error| refused(error, may_be_refused))?;
    let mut bytes = Vec::new();
    loop {
        let may_be_refused = stream.may_be_refused();
        let read = read_more(stream, &mut bytes).await;
        read.map_err(|error| refused(error, may_be_refused))?;
        match handshake.read(&bytes)? {
            Answer::Partial => {}
            Answer::Upgraded { head, .. }
                if opening.qwh.is_some() && head.protocol.as_deref() != Some(SUBPROTOCOL) =>
            {
                let why = format!("it does not speak {SUBPROTOCOL} there");
                return Err(Error::new(Code::Handshake, why));
            }
            Answer::Upgraded { head, used } => {
                return Ok(Agreement {
                    subprotocol: head.protocol.unwrap_or_default(),
                    deflate: head.deflate,
                    first: bytes.split_off(used),
                });
            }
            Answer::Declined(mut declined) => {
                // The status says most: a body that breaks off or takes too long is given as it came.
                let _ = timeout(LINGER, read_body(stream, &mut declined)).await;
                return Err(declined.error());
            }
        }
    }
}

/// Reads what is kept of the body of a refusal.
async fn read_body(stream: &mut Stream, declined: &mut Declined) -> Result<()> {
    while !declined.is_done() {
        let mut bytes = Vec::new();
        read_more(stream, &mut bytes).await?;
        declined.add(&bytes);
    }
    Ok(())
}

/// As the server; `None` if the client was refused or left. `is_asked` is set once the owner is.
async fn answer<S: Sink>(
    stream: &mut Stream,
    ends: Ends,
    link: &mut NewLink<S, ()>,
    opening: &Opening,
    is_asked: &mut bool,
) -> Result<Option<Agreement>> {
    let Some(mut place) = opening.under_way.enter(&link.handle, ends.remote.ip()) else {
        // The cheapest answer, however many they are.
        socket::reset_on_close(stream.socket());
        let error = crowded(opening, "all of them waited for a verdict");
        link.sink.unmet(ends, &error);
        return Ok(None);
    };
    let (head, mut first) = match read_request(stream, opening.head).await? {
        Ok(request) => request,
        Err(refusal) => {
            let error = no_request(refusal.status, refusal.why);
            link.sink.unmet(ends, &error);
            refuse(stream, refusal.status, refusal.why).await;
            return Ok(None);
        }
    };
    place.keep();
    link.sink.asked(ends, &head);
    *is_asked = true;
    let Some(verdict) = verdict(stream, &link.handle, &mut first).await else {
        return Ok(None);
    };
    match verdict {
        Verdict::Accept { subprotocol } => {
            let is_qwh = opening.qwh.is_some() && subprotocol == SUBPROTOCOL;
            let deflate = (opening.deflate.filter(|_| !is_qwh))
                .and_then(|(ours, _)| head.accept_deflate(&ours));
            let (params, extensions) = deflate.unzip();
            let protocol = (!subprotocol.is_empty()).then_some(subprotocol.as_str());
            let reply = response::upgrade(&head, protocol, extensions.as_deref(), &[])?;
            stream.write_all(&reply).await.map_err(lost)?;
            Ok(Some(Agreement {
                subprotocol,
                deflate: params,
                first,
            }))
        }
        Verdict::Refuse { status, body } => {
            refuse(stream, status, &body).await;
            Ok(None)
        }
        // Of another question: a defect of the owner's.
        Verdict::Allow | Verdict::Deny | Verdict::Show(_) => {
            refuse(stream, 500, "").await;
            Ok(None)
        }
    }
}

type Requested = std::result::Result<(Box<RequestHead>, Vec<u8>), crate::ws::request::Refusal>;

async fn read_request(stream: &mut Stream, limits: HeadLimits) -> Result<Requested> {
    let mut reader = RequestReader::new(limits);
    let mut bytes = Vec::new();
    loop {
        let read = read_more(stream, &mut bytes).await;
        read.map_err(|error| match stream.is_secured() && bytes.is_empty() {
            true => or_left(error),
            false => error,
        })?;
        match reader.read(&bytes) {
            Request::Partial => {}
            Request::Whole { head, used } => return Ok(Ok((head, bytes.split_off(used)))),
            Request::Refused(refusal) => return Ok(Err(refusal)),
        }
    }
}

/// Waits for the owner's answer; `None` if the client leaves before. One that has ended its side has left:
/// WebSocket knows no half-open connections. What it sends meanwhile goes to `early`.
async fn verdict(stream: &mut Stream, handle: &Handle, early: &mut Vec<u8>) -> Option<Verdict> {
    poll_fn(|cx| {
        if let Some(verdict) = handle.poll_verdict(cx) {
            return Poll::Ready(Some(verdict));
        }
        let mut space = [const { MaybeUninit::uninit() }; READ];
        while early.len() < MAX_EARLY {
            let mut space = ReadBuf::uninit(&mut space);
            match Pin::new(&mut *stream).poll_read(cx, &mut space) {
                Poll::Ready(Ok(())) if !space.filled().is_empty() => {
                    early.extend_from_slice(space.filled());
                }
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        Poll::Pending
    })
    .await
}

/// Sends a refusal as well as it can be sent, and ends.
async fn refuse(stream: &mut Stream, status: u16, why: &str) {
    let Ok(answer) = response::refusal(status, &[], why) else {
        return;
    };
    let farewell = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        // Closing with unread bytes would reset the connection before the answer is read.
        let mut scratch = [0; 1024];
        while stream.read(&mut scratch).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever does not wait for the answer does not want it. Apart, since few are refused.
    let _ = timeout(LINGER, Box::pin(farewell)).await;
}

async fn read_more(stream: &mut Stream, bytes: &mut Vec<u8>) -> Result<()> {
    bytes.reserve(READ);
    match stream.read_buf(bytes).await {
        Ok(0) => Err(Error::new(
            Code::ConnectionLost,
            "the peer ended the stream during the opening handshake",
        )),
        Ok(_) => Ok(()),
        Err(error) => Err(lost(error)),
    }
}

fn lost(error: io::Error) -> Error {
    Error::system(Code::ConnectionLost, "during the opening handshake", error)
}

/// A connection that a server ends where it still has its say about the TLS handshake was refused by that.
pub(super) fn refused(error: Error, may_be_refused: bool) -> Error {
    match error.code() {
        Code::ConnectionLost if may_be_refused => gone(),
        _ => error,
    }
}

/// The client has left it at the TLS handshake.
fn is_unwelcome(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::TlsAlert | Code::TlsHandshake | Code::TlsClosed
    )
}

/// A client that asks for no WebSocket, or not as it must, and what it is answered.
fn no_request(status: u16, why: &str) -> Error {
    let context = format!("an opening handshake was answered with {status}: {why}");
    Error::new(Code::Handshake, context).with("status", status.into())
}

/// There is no place for all who come.
fn crowded(opening: &Opening, why: &str) -> Error {
    let context = format!("there were too many opening handshakes, and {why}");
    Error::new(Code::Resources, context).with("maxPendingHandshakes", opening.under_way.most())
}

fn too_late(within: Duration) -> Error {
    Error::new(
        Code::ConnectTimeout,
        format!(
            "the opening handshake took longer than {} ms",
            within.as_millis()
        ),
    )
}

/// What a client is told of a fault: that its request took too long is its own.
fn status_of(error: &Error, is_asked: bool) -> u16 {
    match error.code() {
        Code::ConnectTimeout if is_asked => 503,
        Code::ConnectTimeout => 408,
        Code::Resources => 503,
        _ => 500,
    }
}

/// `future`'s result, or `None` if the link's owner terminates it first.
pub(super) async fn unless_terminated<F: Future>(handle: &Handle, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let terminated = {
            let mut half = handle.lock();
            half.waker = Some(cx.waker().clone());
            half.wishes.terminate
        };
        match terminated {
            true => Poll::Ready(None),
            false => future.as_mut().poll(cx).map(Some),
        }
    })
    .await
}
