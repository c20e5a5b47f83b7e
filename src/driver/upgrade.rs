//! From a TCP connection to a WebSocket, in both roles.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    handle::{Handle, Verdict},
    incoming::Incoming,
    opening::{Call, Opening},
    poller::NewLink,
    sink::{Agreed, Closed, Ends, Sink},
    task::LinkTask,
};
use crate::{
    error::{Code, Error, Result},
    link::Outbound,
    socket,
    ws::{
        Decoder, Encoder, HeadLimits, Params, Role,
        client::{Answer, ClientHandshake, Wish},
        request::{Request, RequestHead, RequestReader},
        response,
    },
};

/// Bytes read at once: most heads are smaller.
const READ: usize = 4 * 1024;

/// How long a refusal may take to reach its client.
const LINGER: Duration = Duration::from_secs(1);

/// Agrees with the peer and opens the link; a handshake that fails is the link's end.
pub(super) async fn upgrade<S: Sink>(
    mut stream: TcpStream,
    ends: Ends,
    mut link: NewLink<S, ()>,
    opening: &Opening,
    within: Duration,
) -> Option<LinkTask<S>> {
    let handle = Arc::clone(&link.handle);
    let within = within.min(opening.timeout);
    let agreeing = async {
        match &opening.call {
            Some(call) => Ok(Some(ask(&mut stream, call, opening).await?)),
            None => answer(&mut stream, ends, &mut link, opening).await,
        }
    };
    let agreement = match unless_terminated(&handle, timeout(within, agreeing)).await {
        Some(Ok(agreement)) => agreement,
        Some(Err(_)) => Err(too_late(within)),
        None => Ok(None),
    };
    let closed = match agreement {
        Ok(Some(agreement)) => return Some(open(stream, ends, link, opening, agreement)),
        Ok(None) => Closed::cut(),
        Err(error) => {
            if opening.role() == Role::Server {
                refuse(&mut stream, status_of(&error), error.context()).await;
            }
            Closed::fault(error)
        }
    };
    link.sink.closed(closed);
    None
}

/// What both ends agreed on, and the bytes that came behind it.
struct Agreement {
    subprotocol: String,
    deflate: Option<Params>,
    first: Vec<u8>,
}

fn open<S: Sink>(
    stream: TcpStream,
    ends: Ends,
    link: NewLink<S, ()>,
    opening: &Opening,
    agreement: Agreement,
) -> LinkTask<S> {
    let role = opening.role();
    let compression = agreement
        .deflate
        .zip(opening.deflate.map(|(_, compression)| compression));
    link.handle.lock().out = Outbound::framed(Encoder::new(role, compression));
    let decoder = Decoder::new(
        role,
        opening.limits,
        agreement.deflate.as_ref(),
        agreement.first,
    );
    let agreed = Agreed {
        subprotocol: agreement.subprotocol,
        is_deflated: agreement.deflate.is_some(),
    };
    let (link, ()) = link.rebegin(Incoming::WebSocket(Box::new(decoder)));
    LinkTask::start(stream, ends, link, &agreed)
}

/// As the client.
async fn ask(stream: &mut TcpStream, call: &Call, opening: &Opening) -> Result<Agreement> {
    let subprotocols: Vec<_> = call.subprotocols.iter().map(String::as_str).collect();
    let headers: Vec<_> = call
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let (mut handshake, request) = ClientHandshake::start(&Wish {
        target: &call.target,
        host: &call.authority,
        protocols: &subprotocols,
        deflate: opening.deflate.map(|(params, _)| params),
        headers: &headers,
        limits: opening.head,
    })?;
    stream.write_all(&request).await.map_err(lost)?;
    let mut bytes = Vec::new();
    loop {
        read_more(stream, &mut bytes).await?;
        match handshake.read(&bytes)? {
            Answer::Partial => {}
            Answer::Upgraded { head, used } => {
                return Ok(Agreement {
                    subprotocol: head.protocol.unwrap_or_default(),
                    deflate: head.deflate,
                    first: bytes.split_off(used),
                });
            }
            Answer::Declined(declined) => return Err(declined.error()),
        }
    }
}

/// As the server; `None` if the client was refused.
async fn answer<S: Sink>(
    stream: &mut TcpStream,
    ends: Ends,
    link: &mut NewLink<S, ()>,
    opening: &Opening,
) -> Result<Option<Agreement>> {
    let Some(_place) = opening.under_way.enter() else {
        // The cheapest answer, however many they are.
        socket::reset_on_close(stream);
        return Ok(None);
    };
    let (head, first) = match read_request(stream, opening.head).await? {
        Ok(request) => request,
        Err(refusal) => {
            refuse(stream, refusal.status, refusal.why).await;
            return Ok(None);
        }
    };
    link.sink.asked(ends, &head);
    match verdict(&link.handle).await {
        Verdict::Accept { subprotocol } => {
            let deflate = opening
                .deflate
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
    }
}

type Requested = std::result::Result<(Box<RequestHead>, Vec<u8>), crate::ws::request::Refusal>;

async fn read_request(stream: &mut TcpStream, limits: HeadLimits) -> Result<Requested> {
    let mut reader = RequestReader::new(limits);
    let mut bytes = Vec::new();
    loop {
        read_more(stream, &mut bytes).await?;
        match reader.read(&bytes) {
            Request::Partial => {}
            Request::Whole { head, used } => return Ok(Ok((head, bytes.split_off(used)))),
            Request::Refused(refusal) => return Ok(Err(refusal)),
        }
    }
}

/// Waits for the owner's answer.
async fn verdict(handle: &Handle) -> Verdict {
    poll_fn(|cx| {
        let mut half = handle.lock();
        match half.wishes.verdict.take() {
            Some(verdict) => Poll::Ready(verdict),
            None => {
                half.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    })
    .await
}

/// Sends a refusal as well as it can be sent, and ends.
async fn refuse(stream: &mut TcpStream, status: u16, why: &str) {
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
    // Whoever does not wait for the answer does not want it.
    let _ = timeout(LINGER, farewell).await;
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
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

fn too_late(within: Duration) -> Error {
    Error::new(
        Code::ConnectTimeout,
        format!(
            "the opening handshake took longer than {} ms",
            within.as_millis()
        ),
    )
}

/// What a client is told of a fault on our side.
fn status_of(error: &Error) -> u16 {
    match error.code() {
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
