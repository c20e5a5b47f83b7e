//! What QWH/1 makes of an input, as JSON: for the vectors, and to be compared with TypeScript's.
//! `test/support/qwh-verdict.ts` is the twin.

#[path = "lent.rs"]
#[allow(dead_code, reason = "only a room is needed")]
mod lent;

use std::{
    io::{self, Read},
    time::Instant,
};

use qwormhole::{
    CloseCode, Error,
    link::ReceiveLimits,
    qwh::{
        Answer, Carrier, Decoder, Encoder, Event, Extension, Failure, Fault, Fragment, GoAway,
        Handshake, Hello, Origin, Peer, Preamble, Scheduler, Session, Settings, Side, negotiate,
    },
};
use serde_json::{Value, json};

use lent::Lent;

/// The answer to a request.
pub fn verdict(request: &Value) -> Value {
    match request["op"].as_str() {
        Some("preamble") => preamble(request),
        Some("answer") => answer(request),
        Some("hello") => hello(request),
        Some("negotiate") => negotiation(request),
        Some("handshake") => handshake(request),
        Some("records") => records(request),
        Some("schedule") => schedule(request),
        Some("pack") => pack(request),
        op => panic!("there is no {op:?}"),
    }
}

fn preamble(request: &Value) -> Value {
    match Preamble::parse(&bytes(&request["bytes"])) {
        Ok(preamble) => json!({
            "security": preamble.security as u8,
            "versions": [preamble.versions.min, preamble.versions.max],
            "route": preamble.route,
            "encoded": hex(&preamble.encode()),
        }),
        Err(fault) => refused(fault),
    }
}

fn answer(request: &Value) -> Value {
    match Answer::parse(&bytes(&request["bytes"])) {
        Ok(Some(Answer::Accept { security })) => json!({ "accept": security as u8 }),
        Ok(Some(Answer::Reject(code))) => json!({ "reject": code.0 }),
        Ok(None) => json!(null),
        Err(fault) => refused(fault),
    }
}

fn hello(request: &Value) -> Value {
    let initiator = request["initiator"] == true;
    match Hello::parse(&bytes(&request["bytes"]), initiator) {
        Ok(hello) => {
            let mut value = hello_value(&hello);
            value["encoded"] = json!(hex(&hello.encode(initiator).expect("what was accepted")));
            value
        }
        Err(fault) => refused(fault),
    }
}

fn negotiation(request: &Value) -> Value {
    let one = Hello::parse(&bytes(&request["initiator"]), true).expect("a HELLO");
    let other = Hello::parse(&bytes(&request["responder"]), false).expect("a HELLO");
    let agreement = negotiate(&one, &other);
    assert_eq!(agreement, negotiate(&other, &one), "not symmetric");
    match agreement {
        Ok(agreement) => json!({
            "version": agreement.version,
            "caps": u64_hex(agreement.caps),
            "codec": agreement.codec,
        }),
        Err(fault) => refused(fault),
    }
}

fn handshake(request: &Value) -> Value {
    let initiates = request["side"] == "initiator";
    let settings = Settings {
        side: if initiates {
            Side::Initiator
        } else {
            Side::Responder
        },
        carrier: carrier(request),
        hello: Hello::parse(&bytes(&request["hello"]), initiates).expect("a HELLO"),
        exporter: request["exporter"]
            .as_str()
            .map(|hex| unhex(hex).try_into().expect("32 bytes")),
        route: request["route"].as_str().map(str::to_owned),
    };
    let mut handshake = match Handshake::new(settings) {
        Ok(handshake) => handshake,
        Err(fault) => return refused(fault),
    };
    let mut log = Vec::new();
    drain(&mut handshake, &mut log);
    for step in list(&request["steps"]) {
        match step {
            Value::String(text) if text == "accept" => handshake.accept(),
            Value::String(text) if text == "timeout" => handshake.time_out(),
            Value::Array(parts) => handshake.refuse(
                CloseCode(number(&parts[0]) as u16),
                parts[1].as_str().expect("a reason"),
                number(&parts[2]) as u32,
            ),
            bytes => {
                let received = unhex(bytes["receive"].as_str().expect("bytes"));
                let taken = handshake.receive(&received);
                if taken < received.len() {
                    log.push(json!({ "left": received.len() - taken }));
                }
            }
        }
        drain(&mut handshake, &mut log);
    }
    json!(log)
}

fn drain(handshake: &mut Handshake, log: &mut Vec<Value>) {
    while let Some(event) = handshake.next_event() {
        log.push(match event {
            Event::Send(bytes) => json!({ "send": hex(&bytes) }),
            Event::Verify(peer) => json!({ "verify": peer_value(&peer) }),
            Event::Ready(ready) => json!({ "ready": ready.record_rest }),
            Event::Failed(failure) => json!({ "failed": failure_value(&failure) }),
        });
    }
}

fn records(request: &Value) -> Value {
    let carrier = carrier(request);
    let limit = |name: &str, default: usize| request[name].as_u64().map_or(default, |n| n as usize);
    let limits = ReceiveLimits {
        max_message: limit("maxMessage", 1000),
        max_fragments: limit("maxFragments", 5),
        control_burst: limit("controlBurst", 8) as u32,
        control_per_second: 0,
    };
    let first = request["first"].as_str().map(unhex).unwrap_or_default();
    let mut decoder = Decoder::new(carrier, limits, limit("recordRest", 0), first);
    let mut room = Lent::default();
    let now = Instant::now();
    let mut fault = decoder.resume(&mut room, now).err();
    for chunk in list(&request["chunks"]) {
        if fault.is_some() {
            break;
        }
        let chunk = unhex(chunk.as_str().expect("bytes"));
        let result = match carrier {
            Carrier::Messages => decoder.on_record(chunk, &mut room, now),
            Carrier::Stream => decoder.on_readable(&mut Chunk(&chunk), &mut room, usize::MAX, now),
        };
        fault = result.err();
    }
    json!({
        "messages": room.messages.iter().map(|message| hex(message)).collect::<Vec<_>>(),
        "replies": decoder.take_replies().map(|replies| hex(&replies)),
        "goaway": decoder.goaway().map(goaway_value),
        "fault": fault.as_ref().map(fault_value),
    })
}

fn schedule(request: &Value) -> Value {
    let fragments = fragments(&sizes(request));
    let parts = fragments
        .iter()
        .map(|part| json!([part.class as u8, part.from, part.to]));
    Value::Array(parts.collect())
}

/// Packs messages whose bytes count upwards.
fn pack(request: &Value) -> Value {
    let carrier = carrier(request);
    let mut encoder = Encoder::new(carrier);
    let (mut records, mut to) = (Vec::new(), Vec::new());
    let mut seal = |encoder: &mut Encoder, to: &mut Vec<u8>| {
        encoder.seal(to);
        if !to.is_empty() {
            records.push(json!(hex(to)));
        }
        to.clear();
    };
    if let Some(opaque) = request["ping"].as_u64() {
        encoder.ping(opaque, &mut to);
    }
    for fragment in fragments(&sizes(request)) {
        let message: Vec<u8> = (0..fragment.total).map(|index| index as u8).collect();
        if encoder.fragment(&fragment, &message, &mut to) {
            seal(&mut encoder, &mut to);
        }
    }
    if let Some(reason) = request["goaway"].as_str() {
        let goaway = GoAway {
            code: CloseCode::SHUTDOWN,
            last_stream: 0,
            retry_after_ms: 1500,
            reason: reason.to_owned(),
        };
        encoder.goaway(&goaway, &mut to);
    }
    seal(&mut encoder, &mut to);
    json!(records)
}

fn sizes(request: &Value) -> [Vec<usize>; 3] {
    let queues = list(&request["queues"]);
    let sizes = |class: usize| {
        list(&queues[class])
            .iter()
            .map(|n| number(n) as usize)
            .collect()
    };
    [sizes(0), sizes(1), sizes(2)]
}

fn fragments(queues: &[Vec<usize>; 3]) -> Vec<Fragment> {
    let mut scheduler = Scheduler::default();
    let mut sent = [0; 3];
    let mut fragments = Vec::new();
    let waiting =
        |sent: &[usize; 3]| [0, 1, 2].map(|class| queues[class].get(sent[class]).copied());
    while let Some(fragment) = scheduler.next(waiting(&sent)) {
        let class = fragment.class as usize;
        sent[class] += usize::from(fragment.is_last());
        assert_eq!(scheduler.is_started(fragment.class), !fragment.is_last());
        fragments.push(fragment);
    }
    fragments
}

fn peer_value(peer: &Peer) -> Value {
    json!({
        "hello": hello_value(&peer.hello),
        "version": peer.agreement.version,
        "caps": u64_hex(peer.agreement.caps),
        "codec": peer.agreement.codec,
        "offered": peer.offered as u8,
        "security": peer.security as u8,
        "channelId": peer.channel_id.map(|id| hex(&id)),
        "route": peer.route,
    })
}

fn failure_value(failure: &Failure) -> Value {
    json!({
        "code": failure.code.0,
        "reason": failure.reason,
        "origin": match failure.origin { Origin::Local => "local", Origin::Remote => "remote" },
        "retryAfterMs": failure.retry_after_ms,
    })
}

fn hello_value(hello: &Hello) -> Value {
    let limits = &hello.limits;
    json!({
        "versions": [hello.versions.min, hello.versions.max],
        "offered": u64_hex(hello.offered),
        "required": u64_hex(hello.required),
        "limits": [
            limits.max_message,
            limits.stream_window,
            limits.connection_window,
            u32::from(limits.max_streams),
            limits.idle_ms,
        ],
        "codec": hello.codec,
        "session": hello.session.map(session_value),
        "meta": hello.meta,
        "trace": hello.trace.map(|trace| hex(&trace)),
        "extensions": hello.extensions.iter().map(extension_value).collect::<Vec<_>>(),
    })
}

fn session_value(session: Session) -> Value {
    match session {
        Session::Wish { sid, epoch, token } => {
            json!({ "sid": hex(&sid), "epoch": epoch, "token": hex(&token) })
        }
        Session::Answer { result, sid, epoch } => {
            json!({ "result": result, "sid": hex(&sid), "epoch": epoch })
        }
    }
}

fn extension_value(extension: &Extension) -> Value {
    json!([extension.kind, extension.name, hex(&extension.value)])
}

fn goaway_value(goaway: &GoAway) -> Value {
    json!({
        "code": goaway.code.0,
        "lastStream": goaway.last_stream,
        "retryAfterMs": goaway.retry_after_ms,
        "reason": goaway.reason,
    })
}

fn refused(fault: Fault) -> Value {
    json!({ "fault": [fault.code.0, fault.reason] })
}

fn fault_value(error: &Error) -> Value {
    let code = error
        .details()
        .iter()
        .find(|(name, _)| *name == "closeCode");
    json!([code.map(|(_, code)| code), error.context()])
}

fn carrier(request: &Value) -> Carrier {
    match request["carrier"] == "messages" {
        true => Carrier::Messages,
        false => Carrier::Stream,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn bytes(value: &Value) -> Vec<u8> {
    unhex(value.as_str().expect("bytes"))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let digits = digits.map(|pair| std::str::from_utf8(pair).expect("digits"));
    digits
        .map(|pair| u8::from_str_radix(pair, 16).expect("digits"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn u64_hex(number: u64) -> String {
    format!("{number:016x}")
}

/// What one read has; then nothing for now.
struct Chunk<'a>(&'a [u8]);

impl Read for Chunk<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.read(buf)
    }
}
