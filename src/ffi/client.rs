//! Dialling, as JavaScript asks for it.

use std::{sync::Arc, time::Duration};

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use super::{
    core::IoCore,
    fault::Fault,
    spec::{DialerSpec, path_of},
    tls::TlsClient,
};
use crate::{
    driver::{Io, Security},
    error::{Code, Error, Result},
    exchange::{Core, LinkId},
    socket,
    tls::Dialing,
};

/// A call to a server over TCP. The outcome comes as an event of the connection it is given.
#[napi]
pub struct TcpClientWrapper {
    core: Option<Arc<Core<Io>>>,
    spec: DialerSpec,
    tls: Option<Arc<Dialing>>,
}

/// A call to a server over WebSocket: the same, with an opening handshake.
#[napi]
pub struct WebSocketClientWrapper {
    call: TcpClientWrapper,
}

#[napi]
impl WebSocketClientWrapper {
    /// A call that `core` will make; `tls` is set where TLS is below the carrier.
    #[napi(constructor, catch_unwind)]
    pub fn new(core: &IoCore, spec: DialerSpec, tls: Option<ClassInstance<'_, TlsClient>>) -> Self {
        Self {
            call: TcpClientWrapper::new(core, spec, tls),
        }
    }

    /// Starts to connect.
    #[napi(catch_unwind)]
    pub fn connect(&self) -> Dialling {
        self.call.connect()
    }
}

/// The number of a connection on its way, or why there is none.
#[napi(object)]
pub struct Dialling {
    /// Number of the connection.
    pub slot: u32,
    /// Its generation.
    pub generation: u32,
    /// The failure; the numbers mean nothing then.
    pub fault: Option<Fault>,
}

#[napi]
impl TcpClientWrapper {
    /// A call that `core` will make; `tls` is set where TLS is below the carrier.
    #[napi(constructor, catch_unwind)]
    pub fn new(core: &IoCore, spec: DialerSpec, tls: Option<ClassInstance<'_, TlsClient>>) -> Self {
        Self {
            core: core.core.clone(),
            spec,
            tls: tls.and_then(|tls| tls.dialing.clone()),
        }
    }

    /// Starts to connect.
    #[napi(catch_unwind)]
    pub fn connect(&self) -> Dialling {
        match self.dial() {
            Ok(id) => Dialling {
                slot: id.slot,
                generation: id.generation,
                fault: None,
            },
            Err(error) => Dialling {
                slot: 0,
                generation: 0,
                fault: Some(error.into()),
            },
        }
    }

    fn dial(&self) -> Result<LinkId> {
        let core = self
            .core
            .as_ref()
            .ok_or_else(|| Error::new(Code::Internal, "a client without an I/O thread"))?;
        let options = self.spec.socket.to_options();
        let plan = self
            .spec
            .plan
            .to_plan(self.tls.clone().map(Security::Client))?;
        let (socket, to) = match path_of(&self.spec.host) {
            Some(path) => (socket::connect_local(path)?, None),
            None => {
                let to = self.spec.address()?;
                let socket = socket::dialing(to, self.spec.local()?, &options)?;
                (socket, Some(to))
            }
        };
        let timeout = Duration::from_millis(u64::from(self.spec.connect_timeout_ms));
        core.dial(socket, to, timeout, &plan)
    }
}
