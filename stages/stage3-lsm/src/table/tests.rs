//! What goes into a table comes out again.
mod model;
