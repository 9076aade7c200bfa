//! Against a real server: see [`support::TestDatabase`].

mod catalog;
mod grants;
mod load;
mod parallel;
mod rebuild;
mod round_trip;
mod support;
