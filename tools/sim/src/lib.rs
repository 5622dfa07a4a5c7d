//! Worlds in which power fails.
//!
//! Two simulations of the engine with the same clients (`workload`, `client`) and the same checks
//! (`check`, `verify`, `serial`): part (a), `world`, on a simulated disk and in one repeatable
//! order, with many thousands of crashes a minute; part (b), `power`, on fjall, with the file calls
//! of a child process recorded (`tape`) and the legal states of the disk after a loss of power
//! rebuilt (`disk`). A failure names its seed, and the seed repeats it. Beside them `damage` flips
//! bytes of a closed database and counts what is noticed.

pub mod check;
pub mod client;
pub mod damage;
pub mod dice;
pub mod disk;
pub mod history;
pub mod power;
pub mod serial;
pub mod tape;
pub mod verify;
pub mod workload;
pub mod world;
