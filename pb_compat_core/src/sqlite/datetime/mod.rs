//! Dates and times as SQLite keeps them: a count of milliseconds, or the fields that it was given in, whichever was
//! asked for last. Which of the two is known at a time can be seen from outside (`date('2023-02-31', 'subsec')` is not
//! carried over into March, `date('2023-02-31')` is), so [`Moment`] keeps both in the same way.
//!
//! Clock and time zone are handed in.

mod calendar;
mod format;
mod modifier;
mod moment;
mod parse;
mod timediff;
#[cfg(test)]
mod unit;

pub use calendar::{Clock, Date};
pub use moment::{Instant, Moment, Reading, TimeValue};
pub use parse::{is_current_time, is_zone_modifier};
pub use timediff::timediff;

use super::Error;

/// What a time may depend on besides the arguments.
pub trait Host {
    /// Milliseconds since 1970: one and the same within a statement.
    fn now(&mut self) -> Result<i64, Error>;

    /// Raises an error where the result may not depend on the session's time zone, whether or not it would.
    fn allow_zone(&mut self) -> Result<(), Error>;

    /// What clocks of the session's time zone show, so many seconds after 1970.
    fn local(&mut self, unix_seconds: i64) -> Result<(Date, Clock), Error>;

    /// Called now and then in long loops, to be cancelled there.
    fn pause(&mut self);
}
