//! Benchmarks of `inpaint_edge`: `cargo bench -p inpaint-bench`.
