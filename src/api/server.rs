//! Listening.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::{net::TcpStream, time::sleep};

use super::{
    connection::Connection,
    door::{Door, Visitor},
    endpoint::{self, Endpoint, Use},
    options::Options,
    shared::Plan,
    site::Site,
    socket_path::SocketPath,
    start::Start,
};
use crate::{
    driver::{self, Ends, Security, open_here, serve_here},
    error::{Code, Error, Result, is_passing},
    socket::{self, Listener},
};

/// Pause after a failure to accept: long enough not to spin, short enough to recover before clients give
/// up.
const FAILED_PAUSE: Duration = Duration::from_millis(100);

/// Listens at `tcp://host:port`, `tls://host:port`, `ws://host:port/path` or `wss://host:port/path`; port 0 takes a
/// free one, IPv6 addresses go in brackets. `unix:///path` is a Unix socket: its file goes with the server.
///
/// Of a name's addresses the first that can be bound is taken.
///
/// # Errors
/// `EndpointInvalid` and `OptionInvalid` for what cannot be meant, `OptionUnsupported` for a socket
/// option that the platform does not have, `Dns` when the name does not resolve, `AddressInUse`,
/// `AddressUnavailable` and `Permission` when the address cannot be bound; with TLS also `TlsConfig`. `SocketStale`
/// for the file that a dead server left, unless [`Options::replace_stale_socket`] is set.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
pub async fn listen(endpoint: impl AsRef<str>, options: Options) -> Result<Server> {
    listen_all([endpoint], options).await
}

/// Listens at several endpoints, of any kinds, with one server. WebSockets with the same host and port and
/// different paths share the port.
///
/// ```
/// use qwormhole::{CloseCode, Options, connect, listen_all};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> qwormhole::Result<()> {
/// let server = listen_all(["tcp://127.0.0.1:0", "ws://127.0.0.1:0/chat"], Options::default()).await?;
/// let addresses = server.addresses();
/// let connecting = connect(&addresses[1], Options::default());
/// let (client, connection) = tokio::join!(connecting, server.accept());
/// let (client, mut connection) = (client?, connection?);
///
/// client.send("hello")?;
/// let message = connection.recv().await.transpose()?;
/// assert_eq!(message.as_deref(), Some(&b"hello"[..]));
/// assert_eq!(connection.request().map(|request| request.path()), Some("/chat"));
///
/// let (closed, _) = tokio::join!(client.close_with(CloseCode::CANCELLED.0, "enough"), async {
///     assert!(connection.recv().await.is_none());
///     connection.close().await
/// });
/// closed?;
/// assert_eq!(connection.goaway().map(|goaway| goaway.code), Some(CloseCode::CANCELLED));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`listen`], and `EndpointInvalid` for none and for one that is there twice.
///
/// # Panics
/// As [`listen`].
pub async fn listen_all(
    endpoints: impl IntoIterator<Item = impl AsRef<str>>,
    options: Options,
) -> Result<Server> {
    let plan = Plan::new(options)?;
    let mut groups: Vec<(Site, Vec<String>)> = Vec::new();
    for text in endpoints {
        let site = Site::parse(text.as_ref(), Use::Listen)?;
        let path = site.target().map(str::to_owned);
        match groups.iter_mut().find(|(other, _)| site.shares(other)) {
            Some((_, paths)) if path.iter().any(|path| paths.contains(path)) => {
                return Err(Error::new(
                    Code::EndpointInvalid,
                    format!("endpoint {:?} is there twice", text.as_ref()),
                ));
            }
            Some((_, paths)) => paths.extend(path),
            None => groups.push((site, path.into_iter().collect())),
        }
    }
    let mut listeners = Vec::new();
    for (site, paths) in groups {
        listeners.push(match site {
            Site::Network(endpoint) => Listening::at(&endpoint, paths, &plan).await?,
            Site::File(path) => Listening::at_file(path, &plan)?,
        });
    }
    match listeners.is_empty() {
        true => Err(Error::new(Code::EndpointInvalid, "there is no endpoint")),
        false => Ok(Server {
            listeners,
            door: Arc::new(Door::new(plan.options.clone())),
            plan,
        }),
    }
}

/// One socket that listens.
struct Listening {
    listener: driver::Door,
    bound: Bound,
    /// Of WebSockets; none over TCP.
    paths: Arc<[String]>,
    start: Start,
    /// Set: TLS below it.
    security: Option<Security>,
}

/// Where a socket listens.
enum Bound {
    Address(SocketAddr),
    File(SocketPath),
}

impl Listening {
    /// Of a name's addresses the first that can be bound.
    async fn at(endpoint: &Endpoint, paths: Vec<String>, plan: &Plan) -> Result<Self> {
        let security = endpoint
            .is_secured
            .then(|| plan.options.tls.server())
            .transpose()?;
        let mut last = Error::new(Code::Dns, "no address");
        for at in endpoint.resolve().await? {
            match socket::listen(at, plan.options.listen_flags(), &plan.options.socket) {
                Ok(listener) => return Self::over(listener, paths, security, plan),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn over(
        listener: std::net::TcpListener,
        paths: Vec<String>,
        security: Option<Security>,
        plan: &Plan,
    ) -> Result<Self> {
        let address = listener.local_addr().map_err(unwatched)?;
        let listening = Self {
            listener: driver::Door::of(Listener::Tcp(listener)).map_err(unwatched)?,
            bound: Bound::Address(address),
            start: Start::of_listener(&plan.options, !paths.is_empty()),
            paths: paths.into(),
            security,
        };
        if listening.security.is_none() && !listening.is_local() {
            tracing::warn!(%address, "listening beyond this machine, without encryption");
        }
        Ok(listening)
    }

    fn at_file(path: SocketPath, plan: &Plan) -> Result<Self> {
        let options = &plan.options;
        let listener = socket::claim(path.as_path(), options.backlog.into(), options.file_rules())?;
        Ok(Self {
            listener: driver::Door::of(listener).map_err(unwatched)?,
            bound: Bound::File(path),
            start: Start::of_listener(options, false),
            paths: Arc::default(),
            security: None,
        })
    }

    /// Whether only this machine can call there.
    fn is_local(&self) -> bool {
        match &self.bound {
            Bound::Address(address) => address.ip().to_canonical().is_loopback(),
            Bound::File(_) => true,
        }
    }
}

fn unwatched(error: io::Error) -> Error {
    Error::system(Code::Resources, "watching a listener", error)
}

/// Listening sockets. Dropping it frees the ports and removes the files of Unix sockets; its connections live on.
pub struct Server {
    listeners: Vec<Listening>,
    plan: Plan,
    door: Arc<Door>,
}

type Accepted = io::Result<(TcpStream, Option<SocketAddr>)>;
type Accepting<'a> = Pin<Box<dyn Future<Output = (&'a Listening, Accepted)> + Send + 'a>>;

impl Server {
    /// The next connection, once its handshakes are over, of TLS, WebSocket and [`Protocol::Qwh`](crate::Protocol::Qwh);
    /// they begin while somebody calls this. Those beyond
    /// [`Options::max_connections`] are refused and not given.
    ///
    /// Any number of tasks may accept at the same time. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// `Resources` when the system is out of descriptors or memory. That passes: accept again, as
    /// often as you like, since every failure comes with a short pause.
    pub async fn accept(&self) -> Result<Connection> {
        loop {
            if let Some(connection) = self.door.next() {
                return Ok(connection);
            }
            match self.arrival().await {
                None => {}
                Some((listening, Ok((stream, from)))) => {
                    if let Some(connection) = self.settle(listening, stream, from) {
                        return Ok(connection);
                    }
                }
                Some((_, Err(error))) if is_passing(&error) => {}
                Some((_, Err(error))) => {
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

    /// The address bound, with the port that was taken; of several the first. A Unix socket has none, which is
    /// `0.0.0.0:0`.
    pub fn local_addr(&self) -> SocketAddr {
        match self.listeners[0].bound {
            Bound::Address(address) => address,
            Bound::File(_) => Ends::NOWHERE,
        }
    }

    /// The endpoint as bound, for [`connect`](crate::connect): `tcp://127.0.0.1:41234`; of several the first.
    pub fn address(&self) -> String {
        self.addresses().swap_remove(0)
    }

    /// All endpoints as bound. Those that share a port are next to each other.
    pub fn addresses(&self) -> Vec<String> {
        let of = |listening: &Listening| match &listening.paths[..] {
            [] => vec![listening.url(None)],
            paths => paths.iter().map(|path| listening.url(Some(path))).collect(),
        };
        self.listeners.iter().flat_map(of).collect()
    }

    /// Connections that are not over.
    pub fn connection_count(&self) -> usize {
        self.door.count.load(Ordering::Relaxed)
    }

    /// Waits for a connection, or `None` for one whose handshakes are over.
    async fn arrival(&self) -> Option<(&Listening, Accepted)> {
        let mut knock = pin!(self.door.knock.notified());
        let mut all: Vec<Accepting<'_>> = Vec::with_capacity(self.listeners.len());
        all.extend(
            self.listeners
                .iter()
                .map(|listening| Box::pin(accept(listening)) as _),
        );
        poll_fn(|cx| {
            if knock.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            let mut polls = all.iter_mut().map(|next| next.as_mut().poll(cx));
            match polls.find(Poll::is_ready) {
                Some(Poll::Ready(arrival)) => Poll::Ready(Some(arrival)),
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// A connection over an accepted stream; `None` where there is no place for it, or no peer any
    /// more, and where handshakes come first.
    fn settle(
        &self,
        at: &Listening,
        stream: TcpStream,
        from: Option<SocketAddr>,
    ) -> Option<Connection> {
        // A Unix socket has no options of TCP. The listener took the same ones: what fails now is a peer that was
        // gone before we came, which concerns nobody.
        if let Some(from) = from {
            socket::tune_accepted(&stream, from, &self.plan.options.socket).ok()?;
        }
        if !matches!(at.start, Start::Message) {
            // It takes its place when it has said what it wants.
            self.open(at, stream, None);
            return None;
        }
        let Some(place) = Place::take(&self.door.count, self.plan.options.max_connections) else {
            tracing::debug!(?from, "refused: max_connections are held");
            socket::reset_on_close(&stream);
            return None;
        };
        if at.security.is_some() {
            self.open(at, stream, Some(place));
            return None;
        }
        let (owner, link) = self.plan.link(Some(place), false, None);
        let ends = serve_here(stream, link).ok()?;
        Some(Connection::new(owner, ends, None))
    }

    /// Has a connection arrive at the door once its handshakes are over.
    fn open(&self, at: &Listening, stream: TcpStream, place: Option<Place>) {
        let (owner, mut link) =
            (self.plan).link(None, at.start.is_websocket(), at.security.as_ref());
        let visitor = Visitor::new(&self.door, &at.paths, at.is_local(), owner, place);
        link.sink.await_visitor(visitor);
        // What fails here is a peer that is gone already.
        let _ = open_here(stream, at.start.begin(link));
    }
}

impl Listening {
    fn url(&self, path: Option<&String>) -> String {
        match &self.bound {
            Bound::Address(address) => {
                let path = path.map(String::as_str);
                endpoint::url(*address, self.security.is_some(), path)
            }
            Bound::File(path) => path.url(),
        }
    }
}

async fn accept(listening: &Listening) -> (&Listening, Accepted) {
    (listening, listening.listener.accept().await)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses())
            .field("connection_count", &self.connection_count())
            .finish_non_exhaustive()
    }
}

/// One of the places that a server has for connections.
pub(super) struct Place {
    count: Arc<AtomicUsize>,
}

impl Place {
    pub(super) fn take(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
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
