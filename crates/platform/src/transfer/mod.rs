//! Whole collections in and out: files of JSON Lines, JSON arrays, CSV and BSON, as streams.
//!
//! Nothing is held but a batch. Every row of an import is either written, durably, or told with
//! its line and the reason; rows are settled in order, so what was settled before a connection
//! broke is known. An export is one moment of the collection. For administrators only.

mod bson_rows;
mod csv_rows;
mod export;
mod import;
mod json_rows;
mod rows;

pub use export::{Export, ExportFormat, Exporter};
pub use import::{Import, Importer, Mode, Refused, Settled};
pub use rows::{ImportFormat, Row, Rows};
