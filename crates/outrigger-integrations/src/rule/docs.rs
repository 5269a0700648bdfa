//! Facts, told to the people who write rules.
