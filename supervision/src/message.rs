//! What may be sent to an actor, and the two classes of admission.

/// Which permits a message takes when it enters a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Takes a normal permit; refused first when the actor falls behind.
    Normal,
    /// Takes a permit of the urgent reserve, and a normal one only when the reserve is used up.
    Urgent,
}

/// A message an actor understands. Order is first in, first out across both classes; the class decides admission only.
pub trait Message: Send + 'static {
    /// Names the message for spans, health and logs.
    fn kind(&self) -> &'static str;

    /// Tells which permits the message takes.
    fn class(&self) -> Class {
        Class::Normal
    }

    /// Called instead of handling when the deadline passed, or the caller left, before work started.
    fn expired(self)
    where
        Self: Sized,
    {
    }
}
