//! The handshake of QWH/1 over its carrier, in both roles: until both ends are ready, or one of them is not wanted.

mod course;
mod pipe;

use std::{sync::Arc, time::Duration};

pub(super) use self::pipe::Pipe;
use self::{
    course::{Course, Met, Outcome},
    pipe::{Frames, part},
};
use super::{
    handle::Handle,
    here::timeout,
    incoming::Incoming,
    new_link::NewLink,
    records::Records,
    sink::{Agreed, Closed, Ends, Sink},
    stream::Stream,
    task::LinkTask,
    under_way::{Place, UnderWay},
    upgrade::unless_terminated,
};
use crate::{
    close_code::CloseCode,
    error::{Code, Error, Result},
    link::{Inbound, Outbound, ReceiveLimits},
    qwh::{self, Carrier, Hello, Side},
    socket,
    tls::or_left,
};

/// How long a peer may take to read why it is not wanted.
const LINGER: Duration = Duration::from_secs(1);

/// The subprotocol that chooses QWH/1 on WebSocket.
pub(crate) const SUBPROTOCOL: &str = "qwh.v1";

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
            Some(course) => Err(course.late(&mut stream, &mut pipe, within).await),
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
            let incoming = Incoming::stream(inbound, pipe.into_first());
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
