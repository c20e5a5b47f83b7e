//! The opening handshake of WebSocket, request and answer: what is read in pieces is what is read at once, what is
//! accepted can be answered, and what goes out cannot be mistaken for something else.

use super::Input;
use crate::ws::{
    HeadLimits, Params,
    client::{Answer, ClientHandshake, Wish},
    request::{Refusal, Request, RequestHead, RequestReader},
    response,
};

pub(super) fn run(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    match input.flag(0) {
        false => request(&input),
        true => answer(&input),
    }
}

#[derive(Debug, PartialEq)]
enum Read {
    Partial,
    /// Target, headers, subprotocols, bytes.
    Whole(String, Vec<(String, Vec<u8>)>, Vec<String>, usize),
    Refused(Refusal),
}

fn limits(input: &Input<'_>) -> HeadLimits {
    match input.flag(1) {
        false => HeadLimits::default(),
        true => HeadLimits {
            bytes: 300,
            headers: 8,
        },
    }
}

fn request(input: &Input<'_>) {
    let mut reader = RequestReader::new(limits(input));
    let mut read = Read::Partial;
    for piece in input.cuts.iter().chain([&input.stream.len()]) {
        let so_far = &input.stream[..(*piece).min(input.stream.len())];
        read = read_request(&mut reader, so_far);
        if read != Read::Partial {
            break;
        }
    }
    let at_once = read_request(&mut RequestReader::new(limits(input)), input.stream);
    assert_eq!(read, at_once);
}

fn read_request(reader: &mut RequestReader, bytes: &[u8]) -> Read {
    match reader.read(bytes) {
        Request::Partial => Read::Partial,
        Request::Refused(refusal) => {
            response::refusal(refusal.status, &[], refusal.why).expect("a refusal can be said");
            Read::Refused(refusal)
        }
        Request::Whole { head, used } => {
            assert!(used <= bytes.len());
            answers(&head);
            let headers = head.headers.iter();
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Read::Whole(
                head.target.clone(),
                headers.collect(),
                head.protocols.clone(),
                used,
            )
        }
    }
}

/// Whatever of the offer is accepted, the answer is one that our client takes for one line each.
fn answers(head: &RequestHead) {
    let accepted = head.accept_deflate(&Params::default());
    let extensions = accepted.as_ref().map(|(_, value)| value.as_str());
    let protocol = head.protocols.first().map(String::as_str);
    let answer = response::upgrade(head, protocol, extensions, &[]).expect("what was offered");
    let mut fields = [httparse::EMPTY_HEADER; 8];
    let mut parsed = httparse::Response::new(&mut fields);
    let complete = httparse::Status::Complete(answer.len());
    assert_eq!(
        parsed.parse(&answer),
        Ok(complete),
        "one head and nothing behind it"
    );
    let expected = 3 + usize::from(protocol.is_some()) + usize::from(extensions.is_some());
    assert_eq!(parsed.headers.len(), expected);
}

fn answer(input: &Input<'_>) {
    let wish = Wish {
        target: "/",
        host: "localhost",
        protocols: if input.flag(2) {
            &["chat", "qwh.v1"]
        } else {
            &[]
        },
        deflate: input.flag(3).then(Params::default),
        headers: &[],
        limits: limits(input),
    };
    let (handshake, request) = ClientHandshake::start(&wish).expect("a request");
    let stream = with_accept(input.stream, &request);
    let mut in_pieces = handshake.clone();
    let mut read = None;
    for piece in input.cuts.iter().chain([&stream.len()]) {
        read = read_answer(&mut in_pieces, &stream[..(*piece).min(stream.len())]);
        if read.is_some() {
            break;
        }
    }
    assert_eq!(read, read_answer(&mut handshake.clone(), &stream));
}

/// Nobody guesses the key: `ACCEPT` stands for what answers it.
fn with_accept(stream: &[u8], request: &[u8]) -> Vec<u8> {
    const MARK: &[u8] = b"ACCEPT";
    let Request::Whole { head, .. } = RequestReader::default().read(request) else {
        panic!("our own request is one");
    };
    let Some(at) = stream.windows(MARK.len()).position(|part| part == MARK) else {
        return stream.to_vec();
    };
    let accept = head.accept();
    [&stream[..at], accept.as_bytes(), &stream[at + MARK.len()..]].concat()
}

/// The bytes of the head, or the status; `None` while it is not whole. Of a body more may come later.
fn read_answer(handshake: &mut ClientHandshake, bytes: &[u8]) -> Option<Result<usize, u16>> {
    match handshake.read(bytes) {
        Ok(Answer::Partial) => None,
        Ok(Answer::Upgraded { head, used }) => {
            assert!(used <= bytes.len());
            assert!(
                head.protocol
                    .is_none_or(|chosen| ["chat", "qwh.v1"].contains(&chosen.as_str()))
            );
            Some(Ok(used))
        }
        Ok(Answer::Declined(declined)) => {
            assert!(declined.body().len() <= 1024);
            let _ = declined.error();
            Some(Err(declined.status))
        }
        Err(_) => Some(Err(0)),
    }
}
