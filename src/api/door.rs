//! Connections on their way in. Who gets in through a WebSocket's opening handshake: path, protocol, room, origin and
//! the application's own verdict, in this order, so that what costs least is asked first.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicUsize},
};

use tokio::sync::Notify;

use super::{
    connection::Connection,
    options::Options,
    protocol::Protocol,
    request::{Request, Verdict as Answer},
    server::Place,
    shared::Owner,
    verify::Refusal,
};
use crate::{
    close_code::CloseCode,
    driver::{Ends, SUBPROTOCOL, Verdict},
    ws::{CloseFrame, may_be_sent, request::RequestHead},
};

/// What a close code says that has no better one (RFC 6455, section 7.4.1).
const POLICY: u16 = 1008;

/// Longest body of a refusal, bytes: it is told by a status, the body is for people.
const MAX_BODY: usize = 16 * 1024;

const TRY_LATER: &str = "The server takes no more connections at the moment.";

/// Where the connections of a server arrive that begin with handshakes.
pub(super) struct Door {
    pub options: Options,
    pub count: Arc<AtomicUsize>,
    open: Mutex<VecDeque<Connection>>,
    pub knock: Notify,
}

impl Door {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            count: Arc::default(),
            open: Mutex::default(),
            knock: Notify::new(),
        }
    }

    /// The next connection that is open.
    pub(super) fn next(&self) -> Option<Connection> {
        let mut open = self.open();
        let next = open.pop_front();
        // One call may stand for several arrivals.
        if !open.is_empty() {
            self.knock.notify_one();
        }
        next
    }

    fn arrive(&self, connection: Connection) {
        self.open().push_back(connection);
        self.knock.notify_one();
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<Connection>> {
        // A list: whole whatever panicked.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client on its way in. It holds the connection for the program that is to get it.
pub(super) struct Visitor {
    /// The server may be gone meanwhile.
    door: Weak<Door>,
    paths: Arc<[String]>,
    owner: Owner,
    /// The listener is for this machine only.
    is_local: bool,
    request: Option<Request>,
    place: Option<Place>,
    /// Opened only to be closed.
    farewell: Option<CloseFrame>,
}

impl Visitor {
    /// `place`: it has one already, where nothing but TLS comes first.
    pub(super) fn new(
        door: &Arc<Door>,
        paths: &Arc<[String]>,
        is_local: bool,
        owner: Owner,
        place: Option<Place>,
    ) -> Box<Self> {
        Box::new(Self {
            door: Arc::downgrade(door),
            paths: Arc::clone(paths),
            owner,
            is_local,
            request: None,
            place,
            farewell: None,
        })
    }

    /// Answers the request.
    pub(super) fn ask(&mut self, ends: Ends, head: &RequestHead) {
        let request = Request::new(head.clone(), ends.remote);
        let verdict = match self.door.upgrade() {
            Some(door) => self.decide(&door, &request),
            None => refuse(503, "The server is closing."),
        };
        if let Verdict::Refuse { .. } = verdict {
            // Its answer may take its time; the next client need not wait for that.
            self.place = None;
        }
        self.request = Some(request);
        self.owner.shared.handle.judge(verdict);
    }

    /// Where it has called.
    pub(super) fn door(&self) -> Weak<Door> {
        Weak::clone(&self.door)
    }

    /// It shakes hands: whether there is room for it.
    pub(super) fn welcome(&mut self) -> Result<(), Refusal> {
        if let Some(farewell) = self.farewell.take() {
            // The code is of WebSocket's numbers.
            let code = CloseCode::REJECTED_BY_POLICY;
            return Err(Refusal::new(code, farewell.reason));
        }
        let door = self.door.upgrade().ok_or_else(Refusal::going_away)?;
        match self.take_place(&door) {
            true => Ok(()),
            false => Err(Refusal::new(CloseCode::BUSY, TRY_LATER)),
        }
    }

    /// It is in: gives its place, to be held as long as the connection lives.
    pub(super) fn open(mut self, ends: Ends) -> Option<Place> {
        if let Some(farewell) = self.farewell {
            self.owner.shared.handle.close(farewell);
        } else if let Some(door) = self.door.upgrade() {
            // One that has not shaken hands has none yet.
            if self.take_place(&door) {
                door.arrive(Connection::new(self.owner, ends, self.request));
            } else {
                tracing::debug!(from = %ends.remote, "refused: max_connections are held");
                self.owner.shared.handle.terminate();
            }
        }
        self.place
    }

    /// False if all are taken.
    fn take_place(&mut self, door: &Door) -> bool {
        let most = door.options.max_connections;
        self.place = self.place.take().or_else(|| Place::take(&door.count, most));
        self.place.is_some()
    }

    fn decide(&mut self, door: &Door, request: &Request) -> Verdict {
        let ws = &door.options.websocket;
        if !self.paths.iter().any(|path| path == request.path()) {
            return refuse(404, "There is no WebSocket at this path.");
        }
        let is_qwh = door.options.protocol == Protocol::Qwh;
        let offers_qwh = request
            .subprotocols()
            .iter()
            .any(|name| name == SUBPROTOCOL);
        if is_qwh && door.options.qwh.is_required() && !offers_qwh {
            let why = format!("Only the subprotocol {SUBPROTOCOL} is spoken here.");
            return refuse(400, why);
        }
        if !self.take_place(door) {
            return refuse(503, TRY_LATER);
        }
        let is_allowed = match request.origin() {
            Some(origin) => {
                let host = request.header("host");
                ws.origins.allow(origin, host, self.is_local)
            }
            // A header that is there and no text is no origin that anybody could allow.
            None => {
                !ws.require_origin
                    && request
                        .headers()
                        .all(|(name, _)| !name.eq_ignore_ascii_case("origin"))
            }
        };
        if !is_allowed {
            tracing::warn!(origin = ?request.origin(), "refused: Options::websocket.origins lets it not in");
            return refuse(403, "This origin is not allowed.");
        }
        let ask = || {
            ws.authorize
                .as_ref()
                .map_or(Answer::Accept, |authorize| authorize.decide(request))
        };
        // A defect in the program's function is its own, and no client's business.
        match catch_unwind(AssertUnwindSafe(ask)) {
            Ok(Answer::Accept) => {}
            Ok(Answer::Refuse { status, body })
                if (400..600).contains(&status) && body.len() <= MAX_BODY =>
            {
                return refuse(status, body);
            }
            Ok(Answer::Close { code, reason }) => {
                let code = if may_be_sent(code) { code } else { POLICY };
                self.farewell = Some(CloseFrame {
                    code: Some(code),
                    reason,
                });
            }
            Ok(Answer::Refuse { .. }) | Err(_) => {
                tracing::error!(
                    "refused: authorize panicked, or answered a status that refuses nothing or more than 16 KiB"
                );
                return refuse(500, "The request could not be decided.");
            }
        }
        Verdict::Accept {
            subprotocol: match is_qwh && offers_qwh {
                true => SUBPROTOCOL.to_owned(),
                false => self.subprotocol(&ws.subprotocols, request),
            },
        }
    }

    /// The server's order decides. A page whose subprotocols are all unknown here would never get to see a
    /// close code: any of them will do then.
    fn subprotocol(&self, spoken: &[String], request: &Request) -> String {
        let offered = request.subprotocols();
        let chosen = spoken.iter().find(|name| offered.contains(name));
        let any = offered.first().filter(|_| self.farewell.is_some());
        chosen.or(any).cloned().unwrap_or_default()
    }
}

fn refuse(status: u16, body: impl Into<String>) -> Verdict {
    Verdict::Refuse {
        status,
        body: body.into(),
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}
