//! What the Makefile calls, and the private clusters that the `tests` crate uses.
//!
//! Nothing here knows the inside of an extension: it builds, installs, starts servers and speaks SQL, as a user would.

pub mod cluster;
pub mod command;
pub mod server;
pub mod workspace;
