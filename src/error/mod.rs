//! What can go wrong, as a stable code and a sentence.
//!
//! The codes are one table for Rust and TypeScript (`errors.json`); match on [`Error::code`], never on
//! the text.

mod codes;

use std::{fmt, io, time::Duration};

pub use codes::Code;

use crate::close_code::CloseCode;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure: the code, what was being done, and the system's own error where there is one.
#[derive(Debug)]
pub struct Error {
    code: Code,
    context: String,
    details: Vec<(&'static str, u64)>,
    answer: Option<Box<Answer>>,
    words: Vec<(&'static str, String)>,
    source: Option<io::Error>,
}

/// What a peer answered that refused us: headers as names and values in turn, and the beginning of the
/// body.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Names and values in turn, as sent.
    pub headers: Vec<String>,
    /// At most 1 KiB.
    pub body: String,
}

impl Error {
    pub(crate) fn new(code: Code, context: impl Into<String>) -> Self {
        Self {
            code,
            context: context.into(),
            details: Vec::new(),
            answer: None,
            words: Vec::new(),
            source: None,
        }
    }

    /// Adds a number that the context names.
    pub(crate) fn with(mut self, name: &'static str, value: usize) -> Self {
        self.details.push((name, value as u64));
        self
    }

    /// The same cause, which means something else here.
    pub(crate) fn meaning(self, code: Code, context: impl Into<String>) -> Self {
        Self {
            source: self.source,
            ..Self::new(code, context)
        }
    }

    /// Adds what the peer answered.
    pub(crate) fn answered(mut self, answer: Answer) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    /// What the peer answered, where it refused us.
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_deref()
    }

    /// Adds a word that the context names.
    pub(crate) fn with_word(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.words.push((name, value.into()));
        self
    }

    /// Details that are no numbers, by their names.
    pub fn words(&self) -> &[(&'static str, String)] {
        &self.words
    }

    /// The TLS alert that the peer sent, by its name in the RFCs.
    pub fn alert(&self) -> Option<&str> {
        let alert = self.words.iter().find(|(name, _)| *name == "alert");
        alert.map(|(_, value)| value.as_str())
    }

    /// Wraps a system error met while `context`, under the code that fits its kind, else `fallback`. An error
    /// of ours that came by way of the system's is given back as it was.
    pub(crate) fn system(fallback: Code, context: impl Into<String>, source: io::Error) -> Self {
        let source = match source.downcast::<Self>() {
            Ok(ours) => return ours,
            Err(source) => source,
        };
        Self {
            code: code_of(&source).unwrap_or(fallback),
            context: context.into(),
            details: Vec::new(),
            answer: None,
            words: Vec::new(),
            source: Some(source),
        }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What was being done or what was found, without code and remedy.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The numbers that the context names, by their names: the `details` of the JavaScript error.
    pub fn details(&self) -> &[(&'static str, u64)] {
        &self.details
    }

    /// The code that one end told the other, or would have: of a handshake that failed, and of a peer that broke the
    /// rules. That of a WebSocket without `qwh` is one of its own numbers, from 1000 on.
    pub fn close_code(&self) -> Option<CloseCode> {
        let code = self.detail("closeCode")?;
        u16::try_from(code).ok().map(CloseCode)
    }

    /// When the peer that refused us wants us back, if it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        let millis = self.detail("retryAfterMs").filter(|millis| *millis > 0)?;
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    /// One of [`details`](Self::details).
    pub(crate) fn detail(&self, name: &str) -> Option<usize> {
        let number = self.details.iter().find(|(known, _)| *known == name)?.1;
        usize::try_from(number).ok()
    }

    /// The same error once more, for another who asks.
    pub(crate) fn again(&self) -> Self {
        Self {
            code: self.code,
            context: self.context.clone(),
            details: self.details.clone(),
            answer: self.answer.clone(),
            words: self.words.clone(),
            source: self.os_code().map(io::Error::from_raw_os_error),
        }
    }

    /// The operating system's error number, where the system is the cause.
    pub fn os_code(&self) -> Option<i32> {
        self.source.as_ref().and_then(io::Error::raw_os_error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.context)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        write!(f, ". {}", self.code.remedy())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// The code of a system error whose kind says enough by itself.
fn code_of(source: &io::Error) -> Option<Code> {
    Some(match source.kind() {
        io::ErrorKind::AddrInUse => Code::AddressInUse,
        io::ErrorKind::AddrNotAvailable => Code::AddressUnavailable,
        io::ErrorKind::PermissionDenied => Code::Permission,
        io::ErrorKind::ConnectionRefused => Code::ConnectRefused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Code::ConnectionLost,
        // A Unix socket is a file.
        io::ErrorKind::OutOfMemory | io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Code::Resources
        }
        _ if is_exhaustion(source) => Code::Resources,
        _ => return None,
    })
}

/// Whether accepting failed for one peer only, which was gone before we came.
pub(crate) fn is_passing(source: &io::Error) -> bool {
    matches!(
        source.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Whether the system ran out of descriptors or buffers: worth a retry after a pause.
fn is_exhaustion(source: &io::Error) -> bool {
    // EMFILE, ENFILE, ENOBUFS (Linux, macOS) and ENOMEM; `io::ErrorKind` has no stable name for them.
    const CODES: [i32; 5] = [24, 23, 105, 55, 12];
    cfg!(unix)
        && source
            .raw_os_error()
            .is_some_and(|code| CODES.contains(&code))
}
