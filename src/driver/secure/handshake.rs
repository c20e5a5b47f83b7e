//! The messages of a handshake over its socket, and the questions to the owner on its way.

use std::{
    future::{Future, poll_fn},
    io,
    net::Shutdown,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

use crate::{
    driver::{
        carrier::Socket,
        handle::Verdict,
        here::timeout,
        new_link::{Beginning, NewLink},
        secure::Guard,
        sink::{Ends, Sink},
        stream::poll_flush,
        under_way::Place,
    },
    error::{Code, Error, Result},
    tls::{
        ACCESS_DENIED, ClientHello, Dialing, HelloReader, Info, Session, final_alert, gone, is_tls,
    },
};

/// Bytes read at once before there is a session: a hello with a post-quantum key is 1.5 KiB.
const READ: usize = 4 * 1024;

/// So much of what a peer sends before it was let in is kept, beyond what its session holds.
const MAX_EARLY: usize = 16 * 1024;

/// How long an alert may take to reach its peer.
const LINGER: Duration = Duration::from_secs(1);

/// How long a client of TLS 1.3 waits for the server's first word after the handshake. Nearly all send a
/// ticket at once; those that do not cost their clients this.
const GRACE: Duration = Duration::from_secs(1);

/// How a handshake came out.
pub(super) enum Done {
    Agreed(Box<Session>, Box<Info>),
    /// The owner does not want the peer, and knows.
    Refused,
}

/// A connection that is being secured.
pub(super) struct Handshake {
    pub stream: TcpStream,
    /// For a peer that is not let in.
    alert: Vec<u8>,
}

impl Handshake {
    pub(super) fn over(stream: TcpStream) -> Self {
        Self {
            stream,
            alert: Vec::new(),
        }
    }

    /// As the client.
    pub(super) async fn call<S: Sink>(
        &mut self,
        dialing: &Dialing,
        ends: Ends,
        link: &mut NewLink<S>,
    ) -> Result<Done> {
        let mut session = dialing.begin()?;
        // Without this a server that speaks something else would have its banner taken for a broken record.
        self.send(&mut session).await?;
        let first = self.read_first().await?;
        self.exchange(&mut session, &first).await?;
        self.send(&mut session).await?;
        let info = match session.server_info(dialing) {
            Ok(info) => info,
            Err(error) => {
                self.deny(session);
                return Err(error);
            }
        };
        if dialing.judges && !self.judged(&mut session, ends, &info, 0, link).await? {
            self.deny(session);
            return Ok(Done::Refused);
        }
        // An opening handshake's answer says as well that the server has let us in.
        if matches!(link.beginning, Beginning::Stream(_)) {
            self.await_server(&mut session).await?;
        }
        Ok(Done::Agreed(Box::new(session), Box::new(info)))
    }

    /// As the server.
    pub(super) async fn answer<S: Sink>(
        &mut self,
        guard: &Guard,
        ends: Ends,
        link: &mut NewLink<S>,
        place: &mut Place,
    ) -> Result<Done> {
        let mut hello = self.read_hello().await?;
        // Who connects and waits does not choose the settings: they are those of the hello.
        let listening = guard.listening();
        let revision = listening.revision;
        let asks = hello.asks(&listening);
        if asks {
            place.keep();
        }
        let shown = match asks {
            false => None,
            true => match self.asked(ends, &hello.name, revision, link).await? {
                Verdict::Show(identity) => Some(identity),
                Verdict::Allow => None,
                _ => {
                    self.alert = ClientHello::refusal();
                    return Ok(Done::Refused);
                }
            },
        };
        let behind = std::mem::take(&mut hello.behind);
        let mut session = match hello.answer(&listening, shown.as_ref()) {
            Ok(session) => session,
            Err((error, alert)) => {
                self.alert = alert;
                return Err(error);
            }
        };
        self.exchange(&mut session, &behind).await?;
        let info = match session.client_info(&listening) {
            Ok(info) => info,
            Err(error) => {
                self.deny(session);
                return Err(error);
            }
        };
        place.keep();
        // What tells the client that it is in waits for the verdict.
        if listening.judges
            && !self
                .judged(&mut session, ends, &info, revision, link)
                .await?
        {
            self.deny(session);
            return Ok(Done::Refused);
        }
        self.send(&mut session).await?;
        Ok(Done::Agreed(Box::new(session), Box::new(info)))
    }

    /// The peer's first bytes, if they may be TLS.
    async fn read_first(&mut self) -> Result<Vec<u8>> {
        let mut first = Vec::with_capacity(READ);
        match self.stream.read_buf(&mut first).await {
            Ok(0) => Err(gone()),
            Ok(_) if is_tls(&first) => Ok(first),
            Ok(_) => Err(Error::new(Code::TlsNotTls, "the peer does not speak TLS")),
            Err(error) => Err(lost(error)),
        }
    }

    async fn read_hello(&mut self) -> Result<Box<ClientHello>> {
        let mut reader = HelloReader::default();
        let mut begins = true;
        loop {
            let bytes = self.read_some(begins).await?;
            begins = false;
            match reader.read(&bytes) {
                Ok(Some(hello)) => return Ok(hello),
                Ok(None) => {}
                Err((error, alert)) => {
                    self.alert = alert;
                    return Err(error);
                }
            }
        }
    }

    async fn read_some(&mut self, begins: bool) -> Result<Vec<u8>> {
        if begins {
            return self.read_first().await;
        }
        let mut bytes = Vec::with_capacity(READ);
        match self.stream.read_buf(&mut bytes).await {
            Ok(0) => Err(gone()),
            Ok(_) => Ok(bytes),
            Err(error) => Err(lost(error)),
        }
    }

    /// Messages in both directions until the handshake is done; what is to be said at its end is not sent.
    async fn exchange(&mut self, session: &mut Session, first: &[u8]) -> Result<()> {
        // Also where nothing is first: with the hello more may have come in.
        let mut result = session.take_in(first).map_err(lost);
        loop {
            if let Err(error) = result {
                self.keep_alert(session);
                return Err(error);
            }
            if !session.is_handshaking() {
                return Ok(());
            }
            self.send(session).await?;
            result = self.receive(session).await;
        }
    }

    /// Takes in what the peer sends next.
    async fn receive(&mut self, session: &mut Session) -> Result<()> {
        poll_fn(|cx| poll_receive(&mut self.stream, session, cx)).await
    }

    async fn send(&mut self, session: &mut Session) -> Result<()> {
        poll_fn(|cx| poll_flush(&self.stream, session, cx))
            .await
            .map_err(lost)
    }

    /// The owner's answer to a client that calls `name`.
    async fn asked<S: Sink>(
        &mut self,
        ends: Ends,
        name: &str,
        revision: u32,
        link: &mut NewLink<S>,
    ) -> Result<Verdict> {
        link.sink.greeted(ends, name, revision);
        let mut early = Vec::new();
        poll_fn(|cx| {
            if let Some(verdict) = link.handle.poll_verdict(cx) {
                return Poll::Ready(Ok(verdict));
            }
            // A client has nothing to say now: all that can come is its end.
            early.clear();
            match pin!(self.stream.read_buf(&mut early)).poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(0)) => Poll::Ready(Err(gone())),
                Poll::Ready(Ok(_)) => Poll::Ready(Err(Error::new(
                    Code::TlsHandshake,
                    "the client goes on before it was answered",
                ))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(lost(error))),
            }
        })
        .await
    }

    /// Whether the owner lets the peer in. A peer that leaves meanwhile is noticed, unless it has sent more
    /// than [`MAX_EARLY`] before. One that has said something and ended its side waits for the verdict, except
    /// where it is to become a WebSocket, which knows no half-open connections.
    async fn judged<S: Sink>(
        &mut self,
        session: &mut Session,
        ends: Ends,
        info: &Info,
        revision: u32,
        link: &mut NewLink<S>,
    ) -> Result<bool> {
        link.sink.secured(ends, info, revision);
        let is_half_open_allowed = matches!(link.beginning, Beginning::Stream(_));
        let mut early = Vec::new();
        let mut has_ended = false;
        let verdict = poll_fn(|cx| {
            loop {
                if let Some(verdict) = link.handle.poll_verdict(cx) {
                    return Poll::Ready(Ok(matches!(verdict, Verdict::Allow)));
                }
                if !session.holds() {
                    ready!(poll_receive(&mut self.stream, session, cx))?;
                } else if has_ended || early.len() >= MAX_EARLY {
                    return Poll::Pending;
                } else {
                    has_ended = ready!(poll_early(&mut self.stream, &mut early, cx))?;
                    if has_ended && !is_half_open_allowed {
                        return Poll::Ready(Err(gone()));
                    }
                }
            }
        })
        .await;
        session.keep(&early);
        verdict
    }

    /// Waits until the server can no longer refuse us.
    async fn await_server(&mut self, session: &mut Session) -> Result<()> {
        let heard = async {
            while session.may_be_refused() {
                self.receive(session).await?;
            }
            Ok(())
        };
        timeout(GRACE, heard).await.unwrap_or(Ok(()))
    }

    /// Ends a session whose handshake is done with the alert `access_denied`.
    fn deny(&mut self, session: Session) {
        self.alert = final_alert(session, ACCESS_DENIED).unwrap_or_default();
    }

    /// What a session that broke has to say.
    fn keep_alert(&mut self, session: &mut Session) {
        // Into memory: cannot fail.
        let _ = session.flush(&mut self.alert);
    }

    /// Sends the alert as well as it can be sent, and ends.
    pub(super) async fn close(&mut self) {
        let Self { stream, alert } = self;
        let farewell = async {
            stream.write_all(alert).await?;
            SockRef::from(&*stream).shutdown(Shutdown::Write)?;
            // Closing with unread bytes would reset the connection before the alert is read.
            let mut scratch = [0; 1024];
            while stream.read(&mut scratch).await? > 0 {}
            io::Result::Ok(())
        };
        // Whoever does not wait for it does not want it.
        let _ = timeout(LINGER, farewell).await;
    }
}

fn poll_receive(
    stream: &mut TcpStream,
    session: &mut Session,
    cx: &mut Context<'_>,
) -> Poll<Result<()>> {
    let mut io = Socket { half: stream, cx };
    match session.receive(&mut io) {
        Ok(()) => Poll::Ready(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        Err(error) => Poll::Ready(Err(lost(error))),
    }
}

/// Reads what a peer sends beyond what its session holds; true at its end.
fn poll_early(
    stream: &mut TcpStream,
    early: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<Result<bool>> {
    let mut space = [0; READ];
    let mut space = ReadBuf::new(&mut space);
    ready!(Pin::new(stream).poll_read(cx, &mut space)).map_err(lost)?;
    early.extend_from_slice(space.filled());
    Poll::Ready(Ok(space.filled().is_empty()))
}

/// During a handshake a connection that is lost is a peer that does not want us, as far as one can know.
fn lost(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => gone(),
        _ => Error::system(Code::ConnectionLost, "during the TLS handshake", error),
    }
}
