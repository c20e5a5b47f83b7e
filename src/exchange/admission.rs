//! How a listener's connections find their place, over one or several I/O sides.

use std::sync::Arc;

use super::{
    core::{Core, LinkPlan},
    descriptor::{Kind, error_text},
    link_sink::LinkSink,
};
use crate::{
    driver::{Admit, Placement, Poller},
    error::Error,
};

/// Spreads the connections of one listener in turn over I/O sides.
pub(crate) struct ListenerAdmission<P: Poller> {
    /// Where the listener itself is served, and told about.
    home: Arc<Core<P>>,
    others: Vec<Arc<Core<P>>>,
    next: usize,
    listener: u32,
    plan: LinkPlan,
}

impl<P: Poller> ListenerAdmission<P> {
    pub(crate) fn new(
        home: Arc<Core<P>>,
        others: Vec<Arc<Core<P>>>,
        listener: u32,
        plan: LinkPlan,
    ) -> Self {
        Self {
            home,
            others,
            next: 0,
            listener,
            plan,
        }
    }
}

impl<P: Poller> Admit for ListenerAdmission<P> {
    type Sink = LinkSink<P>;
    type Elsewhere = Arc<Core<P>>;

    fn place(&mut self) -> Option<Placement<LinkSink<P>, Arc<Core<P>>>> {
        let elsewhere = match self.next {
            0 => None,
            other => self.others.get(other - 1),
        };
        self.next = (self.next + 1) % (self.others.len() + 1);
        let core = elsewhere.unwrap_or(&self.home);
        let (_, link) = core.new_link(&self.plan, self.listener)?;
        Some(Placement {
            link,
            elsewhere: elsewhere.cloned(),
        })
    }

    fn adopt(
        elsewhere: &Arc<Core<P>>,
        socket: std::net::TcpStream,
        link: crate::driver::NewLink<LinkSink<P>>,
    ) {
        elsewhere.poller().adopt(socket, link);
    }

    fn failed(&mut self, error: Error) {
        self.home.listener_event(
            self.listener,
            Kind::ListenerFailed,
            Some(error_text(&error)),
        );
    }

    fn closed(&mut self) {
        self.home
            .listener_event(self.listener, Kind::ListenerClosed, None);
    }
}
