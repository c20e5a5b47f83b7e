//! What a peer may send, whichever protocol of messages in fragments it speaks.

/// What a peer may ask of us; beyond it the connection ends with the code that its protocol has for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveLimits {
    /// Largest message, inflated. In QWH/1 it is the `max_message` of our HELLO.
    pub max_message: usize,
    /// Most fragments of a message, the empty ones too. In QWH/1: of one that needs fewer, at 16 KiB each.
    pub max_fragments: usize,
    /// Most frames at once that are no messages.
    pub control_burst: u32,
    /// Such frames a second, once the burst is used up.
    pub control_per_second: u32,
}

impl Default for ReceiveLimits {
    fn default() -> Self {
        Self {
            max_message: 4 * 1024 * 1024,
            max_fragments: 16_384,
            control_burst: 64,
            control_per_second: 32,
        }
    }
}
