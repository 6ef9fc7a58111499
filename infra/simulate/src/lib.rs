//! A cluster in one thread.
