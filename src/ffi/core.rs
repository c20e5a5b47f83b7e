//! The I/O side of one environment, as JavaScript holds it.
#![allow(unsafe_code, reason = "the environment's own pointer is passed on")]

use std::sync::Arc;

use napi::bindgen_prelude::{ArrayBuffer, Function, Object, Uint8Array};
use napi::{Env, JsValue};
use napi_derive::napi;

use super::{
    channel::{self, Channel, Kind, Shared},
    fault::Fault,
    functions::functions,
    io_memory::IoMemory,
    raw::Failed,
    spec::{AdoptSpec, PlanSpec},
    tls::{Exported, TlsIdentity},
};
use crate::{
    driver::{Admitted, Io},
    error::{Code, Error, Result},
    exchange::{Core, LinkId},
    socket,
};

/// An I/O thread with the buffers it shares with this environment. It lives as long as the
/// environment, and keeps the process alive only while told to (`hold`).
#[napi]
pub struct IoCore {
    pub(super) core: Option<Arc<Core<Io>>>,
    channel: *mut Channel,
    fault: Option<Error>,
}

/// The number of a connection that was taken over, or why it was not.
#[napi(object)]
pub struct Adopted {
    /// Number of the connection.
    pub slot: u32,
    /// Its generation.
    pub generation: u32,
    /// Messages are compressed.
    pub is_deflated: bool,
    /// The failure; the rest means nothing then.
    pub fault: Option<Fault>,
}

#[napi]
impl IoCore {
    /// `counters`: zeroed words, two a connection. `incoming`: room for descriptors of six words.
    /// `outgoing`: room for one batch. `dispatch(count)` is called with that many descriptors there.
    /// `memory` is the one that all I/O threads of the environment share. `inline`: the event loop serves the
    /// sockets, and no thread.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        counters: ArrayBuffer,
        incoming: ArrayBuffer,
        outgoing: ArrayBuffer,
        dispatch: Function<'_, u32, u32>,
        memory: &IoMemory,
        inline: bool,
    ) -> napi::Result<Self> {
        let kind = match inline {
            true => Kind::Inline,
            false => Kind::Thread,
        };
        let shared = Shared {
            counters: counters.value().value,
            incoming: incoming.value().value,
            outgoing: outgoing.value().value,
            dispatch: dispatch.value().value,
        };
        // SAFETY: the environment runs this constructor, and the values are its arguments.
        match unsafe { channel::open(env.raw(), kind, &shared, memory.holdings()) }
            .map_err(refused)?
        {
            Ok((core, channel)) => Ok(Self {
                core: Some(core),
                channel,
                fault: None,
            }),
            Err(error) => Ok(Self {
                core: None,
                channel: std::ptr::null_mut(),
                fault: Some(error),
            }),
        }
    }

    /// Why the thread did not start, once, if it did not.
    #[napi(catch_unwind)]
    pub fn fault(&mut self) -> Option<Fault> {
        self.fault.take().map(Fault::from)
    }

    /// The plain functions of the hot path: `submit`, `submitLarge`, `lend`, `takeText`, `takeBytes`,
    /// `hold`.
    #[napi(catch_unwind, ts_return_type = "HotFunctions")]
    pub fn functions<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        if self.channel.is_null() {
            return Err(napi::Error::from_reason("the I/O thread did not start"));
        }
        // SAFETY: the environment runs this method, and the channel was opened in it.
        let value = unsafe { functions(env.raw(), self.channel) }.map_err(refused)?;
        Ok(Object::from_raw(env.raw(), value))
    }

    /// Answers a TLS client that asks for a name no identity is for.
    #[napi(catch_unwind)]
    pub fn show(&self, slot: u32, generation: u32, identity: &TlsIdentity) {
        if let (Some(core), Some(identity)) = (&self.core, &identity.identity) {
            core.show(LinkId { slot, generation }, identity.clone());
        }
    }

    /// Keying material of a connection's TLS session.
    #[napi(catch_unwind)]
    pub fn export_keys(
        &self,
        slot: u32,
        generation: u32,
        label: String,
        length: u32,
        context: Option<Uint8Array>,
    ) -> Exported {
        let exported = match &self.core {
            Some(core) => core.export_keys(
                LinkId { slot, generation },
                label.as_bytes(),
                length as usize,
                context.as_deref(),
            ),
            None => Err(Error::new(Code::Closed, "the I/O thread did not start")),
        };
        exported.into()
    }

    /// Takes over the connection that has `descriptor`, which stays its owner's to close, and answers the
    /// client. `first` is what was received behind its request.
    #[napi(catch_unwind)]
    pub fn adopt(
        &self,
        descriptor: i32,
        plan: PlanSpec,
        request: AdoptSpec,
        first: Uint8Array,
    ) -> Adopted {
        match self.try_adopt(descriptor, &plan, &request, first.to_vec()) {
            Ok((id, is_deflated)) => Adopted {
                slot: id.slot,
                generation: id.generation,
                is_deflated,
                fault: None,
            },
            Err(error) => Adopted {
                slot: 0,
                generation: 0,
                is_deflated: false,
                fault: Some(error.into()),
            },
        }
    }

    fn try_adopt(
        &self,
        descriptor: i32,
        plan: &PlanSpec,
        request: &AdoptSpec,
        first: Vec<u8>,
    ) -> Result<(LinkId, bool)> {
        let core = self
            .core
            .as_ref()
            .ok_or_else(|| Error::new(Code::Internal, "an adoption without an I/O thread"))?;
        let socket = socket::duplicate(descriptor)?;
        let request = Admitted {
            key: &request.key,
            extensions: &request.extensions,
            subprotocol: &request.subprotocol,
            first,
        };
        core.adopt(socket, &plan.to_plan(None)?, request)
    }

    /// Makes the I/O thread panic, as a defect in it would: for tests of what follows.
    #[napi(catch_unwind)]
    pub fn inject_failure(&self) {
        if let Some(core) = &self.core {
            core.inject_panic();
        }
    }
}

pub(super) fn refused(Failed(status): Failed) -> napi::Error {
    napi::Error::from_reason(format!("Node-API status {status}"))
}
