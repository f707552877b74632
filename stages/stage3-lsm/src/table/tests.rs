//! What goes into a table comes out again; what is not as it was written is an error.

mod damage;
mod forged;
mod impossible;
mod model;
mod sizes;
