//! From a TCP connection to a TLS session, in both roles.

mod handshake;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::net::TcpStream;

use self::handshake::{Done, Handshake};
use super::{
    handle::Handle,
    here::timeout,
    new_link::NewLink,
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
    revisions: Mutex<Revisions>,
    under_way: Arc<UnderWay>,
}

/// The settings of a listener, which may be replaced.
#[derive(Debug)]
struct Revisions {
    current: Arc<Listening>,
    /// Those that were replaced while handshakes were under them.
    former: Vec<Weak<Listening>>,
}

impl Guard {
    /// With at most `most` handshakes under way.
    pub(crate) fn new(listening: Listening, most: usize) -> Self {
        Self {
            revisions: Mutex::new(Revisions {
                current: Arc::new(listening),
                former: Vec::new(),
            }),
            under_way: UnderWay::new(most),
        }
    }

    /// Has every client whose hello is not whole yet answered as `listening` says.
    pub(crate) fn update(&self, listening: Listening, most: usize) {
        self.under_way.set_most(most);
        let mut revisions = self.lock();
        let former = std::mem::replace(&mut revisions.current, Arc::new(listening));
        revisions.former.push(Arc::downgrade(&former));
        drop(former);
        revisions.former.retain(|former| former.strong_count() > 0);
    }

    /// The revisions that handshakes are under or will be.
    pub(crate) fn revisions(&self) -> Vec<u32> {
        let revisions = self.lock();
        let former = revisions.former.iter().filter_map(Weak::upgrade);
        let former = former.map(|former| former.revision);
        former.chain([revisions.current.revision]).collect()
    }

    fn listening(&self) -> Arc<Listening> {
        Arc::clone(&self.lock().current)
    }

    fn lock(&self) -> MutexGuard<'_, Revisions> {
        self.revisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
    let (result, place) = match security {
        Security::Client(dialing) => {
            let work = handshake.call(dialing, ends, link);
            let limit = dialing.timeout.min(within);
            (bounded(&handle, limit, within, work).await, None)
        }
        Security::Server(guard) => {
            let Some(mut place) = guard.under_way.enter(&handle, ends.remote.ip()) else {
                // The cheapest answer, however many they are.
                socket::reset_on_close(&handshake.stream);
                link.sink.insecure(ends, &crowded(&guard.under_way));
                link.sink.closed(Closed::cut());
                return None;
            };
            let limit = guard.listening().timeout;
            let work = handshake.answer(guard, ends, link, &mut place);
            let result = bounded(&handle, limit, Duration::MAX, work).await;
            let evicted = place.is_evicted().then(|| crowded(&guard.under_way));
            (result, Some((place, evicted)))
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
            handshake.close().await;
            None
        }
        // Somebody wants it gone: a newcomer that needs its place, which is told, or the owner, who knows.
        Err(error) if error.code() == Code::Closed => {
            socket::reset_on_close(&handshake.stream);
            let evicted = place.and_then(|(_, evicted)| evicted);
            if let Some(error) = &evicted {
                link.sink.insecure(ends, error);
            }
            link.sink.closed(Closed::fault(evicted.unwrap_or(error)));
            None
        }
        Err(error) => {
            if matches!(security, Security::Server(_)) {
                link.sink.insecure(ends, &error);
            }
            // Nobody waits for the peer to take what it is told.
            link.sink.closed(Closed::fault(error));
            handshake.close().await;
            None
        }
    }
}

/// There is no place for all who come.
fn crowded(under_way: &UnderWay) -> Error {
    let most = under_way.most();
    let context = format!("more TLS handshakes than maxPendingHandshakes, {most}, are under way");
    Error::new(Code::Resources, context).with("maxPendingHandshakes", most)
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
