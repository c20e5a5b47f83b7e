//! Listening.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, ready},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::sleep,
};

use super::{
    connection::Connection,
    endpoint::{self, Endpoint, Use},
    options::Options,
    shared::{Owner, Plan},
};
use crate::{
    driver::{secure_here, serve_here},
    error::{Code, Error, Result, is_passing},
    socket,
};

/// Pause after a failure to accept: long enough not to spin, short enough to recover before clients give
/// up.
const FAILED_PAUSE: Duration = Duration::from_millis(100);

/// Listens at `tcp://host:port` or `tls://host:port`; port 0 takes a free one, IPv6 addresses go in brackets.
///
/// Of a name's addresses the first that can be bound is taken.
///
/// # Errors
/// `EndpointInvalid` and `OptionInvalid` for what cannot be meant, `OptionUnsupported` for a socket
/// option that the platform does not have, `Dns` when the name does not resolve, `AddressInUse`,
/// `AddressUnavailable` and `Permission` when the address cannot be bound, `TlsConfig` for certificates and
/// keys that cannot be used.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
pub async fn listen(endpoint: impl AsRef<str>, options: Options) -> Result<Server> {
    let mut plan = Plan::new(options)?;
    let endpoint = Endpoint::parse(endpoint.as_ref(), Use::Listen)?;
    if endpoint.is_secured {
        plan.security = Some(plan.options.tls.server()?);
    }
    let mut last = Error::new(Code::Dns, "no address");
    for at in endpoint.resolve().await? {
        match socket::listen(at, plan.options.listen_flags(), &plan.options.socket) {
            Ok(listener) => return Server::over(listener, plan),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A listening socket. Dropping it frees the port; its connections live on.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    plan: Plan,
    count: Arc<AtomicUsize>,
    secured: Arc<Arrivals>,
}

impl Server {
    fn over(listener: std::net::TcpListener, plan: Plan) -> Result<Self> {
        let failed = |error| Error::system(Code::Resources, "watching a listener", error);
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if plan.security.is_none() && !address.ip().to_canonical().is_loopback() {
            tracing::warn!(%address, "listening beyond this machine, without encryption");
        }
        Ok(Self {
            listener,
            address,
            plan,
            count: Arc::default(),
            secured: Arc::default(),
        })
    }

    /// The next connection. Those beyond [`Options::max_connections`] are reset and not given; with TLS those
    /// whose handshake fails are not given either.
    ///
    /// Any number of tasks may accept at the same time. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// `Resources` when the system is out of descriptors or memory. That passes: accept again, as
    /// often as you like, since every failure comes with a short pause.
    pub async fn accept(&self) -> Result<Connection> {
        loop {
            match self.arrival().await {
                Ok(Arrival::Secured(connection)) => return Ok(connection),
                Ok(Arrival::Accepted(stream, from)) => {
                    if let Some(connection) = self.settle(stream, from) {
                        return Ok(connection);
                    }
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    sleep(FAILED_PAUSE).await;
                    return Err(Error::system(
                        Code::Resources,
                        "accepting a connection",
                        error,
                    ));
                }
            }
        }
    }

    /// The address bound, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint as bound, for [`connect`](crate::connect): `tcp://127.0.0.1:41234`.
    pub fn address(&self) -> String {
        endpoint::url(self.address, self.plan.security.is_some())
    }

    /// Connections that are not over.
    pub fn connection_count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// A connection over an accepted stream; `None` where there is no place for it, or no peer any
    /// more.
    fn settle(&self, stream: TcpStream, from: SocketAddr) -> Option<Connection> {
        let Some(place) = Place::take(&self.count, self.plan.options.max_connections) else {
            tracing::debug!(%from, "refused: max_connections are held");
            socket::reset_on_close(&stream);
            return None;
        };
        let (owner, link) = self.plan.link(Some(place));
        // The listener took the same options: what fails now is a peer that was gone before we came,
        // which concerns nobody.
        socket::tune_accepted(&stream, from, &self.plan.options.socket).ok()?;
        if self.plan.security.is_some() {
            secure_here(stream, link).ok()?;
            tokio::spawn(Arc::clone(&self.secured).expect(owner));
            return None;
        }
        let ends = serve_here(stream, link).ok()?;
        Some(Connection::new(owner, ends))
    }

    /// What comes first: a client, or the end of another's TLS handshake.
    async fn arrival(&self) -> io::Result<Arrival> {
        let mut more = pin!(self.secured.more.notified());
        poll_fn(|cx| {
            // Before the look: what arrives after it is not missed.
            while more.as_mut().poll(cx).is_ready() {
                more.set(self.secured.more.notified());
            }
            if let Some(connection) = self.secured.take() {
                return Poll::Ready(Ok(Arrival::Secured(connection)));
            }
            let accepted = ready!(self.listener.poll_accept(cx));
            Poll::Ready(accepted.map(|(stream, from)| Arrival::Accepted(stream, from)))
        })
        .await
    }
}

enum Arrival {
    Accepted(TcpStream, SocketAddr),
    Secured(Connection),
}

/// Connections whose TLS handshake is done, until they are accepted.
#[derive(Default)]
struct Arrivals {
    waiting: Mutex<VecDeque<Connection>>,
    more: Notify,
}

impl Arrivals {
    /// Adds the connection once it is up, if it ever is.
    async fn expect(self: Arc<Self>, owner: Owner) {
        if let Ok(ends) = owner.shared.opened().await {
            let connection = Connection::new(owner, ends);
            self.lock().push_back(connection);
            self.more.notify_one();
        }
    }

    fn take(&self) -> Option<Connection> {
        let mut waiting = self.lock();
        let connection = waiting.pop_front();
        if !waiting.is_empty() {
            // For another who accepts.
            self.more.notify_one();
        }
        connection
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Connection>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("connection_count", &self.connection_count())
            .finish_non_exhaustive()
    }
}

/// One of the places that a server has for connections.
pub(super) struct Place {
    count: Arc<AtomicUsize>,
}

impl Place {
    fn take(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |taken| (taken < most).then_some(taken + 1);
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Self {
            count: Arc::clone(count),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
