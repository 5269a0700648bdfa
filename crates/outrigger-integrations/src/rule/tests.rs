//! Rules, from their JSON to their answer.
