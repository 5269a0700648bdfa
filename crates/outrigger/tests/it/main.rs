//! The binary as people run it: `demo`, our own CLI, the unmodified netlify CLI, and kill -9.

mod cli;
mod crash;
mod demo;
mod netlify;
