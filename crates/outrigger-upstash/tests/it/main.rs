//! The emulator over sockets, and the client of the developer API against it.
