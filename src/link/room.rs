//! Where received bytes go: memory lent for a read, and the messages found in it.

/// What the bytes of a message are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// Any bytes.
    #[default]
    Binary,
    /// UTF-8, already checked.
    Text,
}

/// Memory that a consumer lends to a link for the length of one readable turn.
///
/// The link asks for [`space`](Room::space), reads into it, marks the messages it found as ranges of
/// that space, and [`commit`](Room::commit)s what must stay. The rest is free for the next reader.
pub trait Room {
    /// Takes the marks.
    type Marks: Marks;

    /// At least `min` writable bytes and the marks that go with them, or `None` while the consumer
    /// lags: the link then stops reading and is woken once there is room again.
    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Self::Marks)>;

    /// Keeps the first `used` bytes of the last space.
    fn commit(&mut self, used: usize);

    /// A whole message that had to be assembled outside.
    fn assembled(&mut self, message: Vec<u8>, payload: Payload);

    /// Counts bytes held for unfinished messages, up or down; `false` while too many are held.
    fn hold(&mut self, delta: isize) -> bool;
}

/// The messages of one space.
pub trait Marks {
    /// A whole message at `start..start + len` of the space.
    fn message(&mut self, start: usize, len: usize, payload: Payload);
}
