//! Against a real server: see [`support::TestDatabase`].

mod catalog;
mod load;
mod round_trip;
mod support;
