//! The add-on that `outrigger demo` runs beside the platform.

pub(crate) mod addon;
