//! The emulator over sockets, and the integration against it.
