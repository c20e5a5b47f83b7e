//! From a TCP connection to a TLS session, in both roles.

mod handshake;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};

use self::handshake::{Done, Handshake};
use super::{
    handle::Handle,
    poller::NewLink,
    sink::{Closed, Ends, Sink},
    stream::{Secured, Stream},
    under_way::UnderWay,
    upgrade::unless_terminated,
};
use crate::{
    error::{Code, Error, Result},
    socket,
    tls::{Dialing, Listening},
};

/// The TLS of a connection to be.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    Server(Arc<Guard>),
    Client(Arc<Dialing>),
}

/// What the handshakes of a listener have in common.
#[derive(Debug)]
pub(crate) struct Guard {
    listening: Mutex<Arc<Listening>>,
    under_way: Arc<UnderWay>,
}

impl Guard {
    /// With at most `most` handshakes under way.
    pub(crate) fn new(listening: Listening, most: usize) -> Self {
        Self {
            listening: Mutex::new(Arc::new(listening)),
            under_way: UnderWay::new(most),
        }
    }

    /// Has new handshakes begin with `listening`.
    pub(crate) fn update(&self, listening: Listening, most: usize) {
        self.under_way.set_most(most);
        let listening = Arc::new(listening);
        *self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = listening;
    }

    fn listening(&self) -> Arc<Listening> {
        let listening = self.listening.lock();
        Arc::clone(&listening.unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shakes hands, within the time that the settings and `within` leave; a handshake that fails is the link's
/// end, which is told.
pub(super) async fn secure<S: Sink>(
    stream: TcpStream,
    ends: Ends,
    link: &mut NewLink<S>,
    security: &Security,
    within: Duration,
) -> Option<Stream> {
    let handle = Arc::clone(&link.handle);
    let mut handshake = Handshake::over(stream);
    let (result, _place) = match security {
        Security::Client(dialing) => {
            let work = handshake.call(dialing, ends, link);
            let limit = dialing.timeout.min(within);
            (bounded(&handle, limit, within, work).await, None)
        }
        Security::Server(guard) => {
            let Some(mut place) = guard.under_way.enter(&handle) else {
                // The cheapest answer, however many they are.
                socket::reset_on_close(&handshake.stream);
                link.sink.closed(Closed::cut());
                return None;
            };
            let listening = guard.listening();
            let work = handshake.answer(&listening, ends, link, &mut place);
            let limit = listening.timeout;
            let result = bounded(&handle, limit, Duration::MAX, work).await;
            (result, Some(place))
        }
    };
    match result {
        Ok(Done::Agreed(session, info)) => Some(Stream::Secured(Box::new(Secured {
            socket: handshake.stream,
            session,
            info,
        }))),
        Ok(Done::Refused) => {
            link.sink.closed(Closed::cut());
            handshake.part().await;
            None
        }
        Err(error) => {
            if matches!(security, Security::Server(_)) {
                link.sink.insecure(ends, &error);
            }
            let is_given_up = error.code() == Code::Closed;
            if is_given_up {
                socket::reset_on_close(&handshake.stream);
            }
            // Nobody waits for the peer to take what it is told.
            link.sink.closed(Closed::fault(error));
            if !is_given_up {
                handshake.part().await;
            }
            None
        }
    }
}

/// `work` unless the owner gives it up, or the time is over: `limit`, which is the caller's `within` where
/// that is less than the handshake may take.
async fn bounded(
    handle: &Handle,
    limit: Duration,
    within: Duration,
    work: impl Future<Output = Result<Done>>,
) -> Result<Done> {
    match unless_terminated(handle, timeout(limit, work)).await {
        Some(Ok(done)) => done,
        Some(Err(_)) => Err(too_late(limit, within)),
        None => Err(Error::new(Code::Closed, "the connection was given up")),
    }
}

fn too_late(limit: Duration, within: Duration) -> Error {
    let code = match limit < within {
        true => Code::TlsTimeout,
        false => Code::ConnectTimeout,
    };
    Error::new(
        code,
        format!(
            "the TLS handshake took longer than {} ms",
            limit.as_millis()
        ),
    )
    .with("timeoutMs", limit.as_millis() as usize)
}
