#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outrigger_gateway::fuzzing::page(bytes));
