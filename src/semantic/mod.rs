//! (semantic)
