//! Mistakes that must not compile. The right twin of each:
//!
//! ```
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Right {
//!     #[field(default = "a", pattern = "[a-z]+", options("a", "b"))]
//!     name: String,
//!     #[field(min = 1, max = 5, default = 2)]
//!     count: u8,
//!     #[field(bound_to(name))]
//!     secret: Secret,
//!     #[field(readonly = "made on first use")]
//!     made: Option<String>,
//! }
//! # let _ = Right::form();
//! ```
//!
//! A default of another type:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(default = 5)]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A default out of the range:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(min = 1, max = 5, default = 9)]
//!     name: u8,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A default that does not match:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(pattern = "[a-z]+", default = "A1")]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A pattern that is none:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(pattern = "[a-z")]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A pattern of a number:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(pattern = "[a-z]+")]
//!     name: u8,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A range of a text:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(min = 3)]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A range that is empty:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(min = 3, max = 2)]
//!     name: u8,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A field that there is not:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(bound_to(url))]
//!     name: Secret,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A bond of what is no secret:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(bound_to(other))]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A default secret:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(default = "hunter2")]
//!     name: Secret,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A required field that not everybody can fill in:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(readonly = "made on first use")]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A required field that is not stored:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(transient)]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A default that is no option:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(options("a", "b"), default = "c")]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! An attribute that there is not:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(lable = "Name")]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! An attribute that is there twice:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(label = "Name", label = "Title")]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A unit of a text:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(units("hours"))]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A unit that there is not:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(units("weeks"))]
//!     name: std::time::Duration,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A group without a title:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[group(wide)]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A type that no form has a widget for:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     name: std::net::IpAddr,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A list of secrets:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     name: Vec<Secret>,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A list of lists:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     name: Vec<Vec<String>>,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! A box that may be blank:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     name: Option<bool>,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! Dependent options that are always the same:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(options("a"), depends_on(other))]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
//!
//! Two sources of options:
//!
//! ```compile_fail
//! use outrigger_integrations::{Secret, Settings};
//! #[derive(Clone, Settings)]
//! struct Wrong {
//!     #[field(options("a"), options_from)]
//!     name: String,
//!     other: String,
//! }
//! # let _ = Wrong::form();
//! ```
