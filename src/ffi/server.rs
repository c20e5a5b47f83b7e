//! Listening, as JavaScript asks for it.

use std::sync::Arc;

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;
use tokio::sync::oneshot;

use super::{
    core::IoCore,
    fault::Fault,
    spec::{ListenerSpec, path_of},
    tls::TlsServer,
};
use crate::{
    driver::{Guard, Io, Poller, Security},
    error::{Code, Error, Result},
    exchange::{Core, ListenerAdmission},
    socket::{self, Listener, SocketOptions},
};

/// A listener. Its connections and its faults come as events of its I/O thread, under its number.
#[napi]
pub struct QWormholeServerWrapper {
    cores: Vec<Arc<Core<Io>>>,
    listener: u32,
    spec: ListenerSpec,
    tls: Option<Arc<Guard>>,
    stop: Option<oneshot::Sender<()>>,
}

/// Where a listener listens, or why it does not.
#[napi(object)]
pub struct Listening {
    /// The address bound, or the path.
    pub host: String,
    /// The port bound; 0 with a path.
    pub port: u16,
    /// The failure; host and port mean nothing then.
    pub fault: Option<Fault>,
}

#[napi]
impl QWormholeServerWrapper {
    /// `cores`: the I/O threads to spread connections over; the first also accepts. `listener`: the
    /// number, above 0, that its events carry. `tls`: set where TLS is below the carrier.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        cores: Vec<ClassInstance<'_, IoCore>>,
        listener: u32,
        spec: ListenerSpec,
        tls: Option<ClassInstance<'_, TlsServer>>,
    ) -> Self {
        Self {
            cores: cores.iter().filter_map(|core| core.core.clone()).collect(),
            listener,
            spec,
            tls: tls.and_then(|tls| tls.guard.clone()),
            stop: None,
        }
    }

    /// Binds and listens.
    #[napi(catch_unwind)]
    pub fn listen(&mut self) -> Listening {
        match self.try_listen() {
            Ok((host, port)) => Listening {
                host,
                port,
                fault: None,
            },
            Err(error) => Listening {
                host: String::new(),
                port: 0,
                fault: Some(error.into()),
            },
        }
    }

    /// Stops accepting; an event follows when the port is free.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.stop = None;
    }

    fn try_listen(&mut self) -> Result<(String, u16)> {
        let mut cores = self.cores.iter().cloned();
        let home = cores
            .next()
            .ok_or_else(|| Error::new(Code::Internal, "a listener without an I/O thread"))?;
        let options = self.spec.socket.to_options();
        let plan = self
            .spec
            .plan
            .to_plan(self.tls.clone().map(Security::Server))?;
        let (listener, host, port) = self.bind(&options)?;
        let (stop, stopped) = oneshot::channel();
        let admission =
            ListenerAdmission::new(Arc::clone(&home), cores.collect(), self.listener, plan);
        home.poller().listen(listener, options, admission, stopped);
        self.stop = Some(stop);
        Ok((host, port))
    }

    /// A listening socket and where it is.
    fn bind(&self, options: &SocketOptions) -> Result<(Listener, String, u16)> {
        let ListenerSpec { host, backlog, .. } = &self.spec;
        if let Some(path) = path_of(host) {
            return Ok((socket::listen_local(path, *backlog)?, host.clone(), 0));
        }
        let listener = socket::listen(self.spec.address()?, self.spec.flags(), options)?;
        let at = listener
            .local_addr()
            .map_err(|error| Error::system(Code::Resources, "reading the bound address", error))?;
        Ok((Listener::Tcp(listener), at.ip().to_string(), at.port()))
    }
}
