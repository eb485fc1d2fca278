//! `inpaint-edge selftest`: the recorded digests, repeated on this machine.

use inpaint_edge::selftest::{digests, recorded};
use inpaint_edge::{Error, ErrorKind, Isa, Options, Result};

use crate::console::print;
use crate::engine::{named, open, weights_sha256};
use crate::spec::SelftestSpec;

pub fn run(spec: &SelftestSpec) -> Result<()> {
    let weights = weights_sha256(spec.weights.as_deref())?;
    let known = recorded(&weights);
    let digests_of = |isa: Option<Isa>, threads: usize| {
        let inpainter = open(spec.weights.as_deref(), Options::default().threads(threads).isa(isa))?;
        let name = known.as_ref().map_or("weights", |(name, _)| name);
        Ok::<_, Error>((inpainter.isa(), digests(name, &weights, &inpainter)))
    };
    if spec.digests {
        let first = |threads: &[usize]| threads.first().copied().unwrap_or(0);
        let (_, lines) = digests_of(spec.isas.first().copied().flatten(), first(&spec.threads))?;
        return print(lines);
    }
    let Some((name, recorded)) = &known else {
        let detail = format!("expected weights with recorded digests, found sha256 {weights}");
        return Err(named(spec.weights.as_deref(), Error::usage(detail)));
    };
    let mut differ = 0;
    for &isa in &spec.isas {
        for &threads in &spec.threads {
            let (isa, found) = digests_of(isa, threads)?;
            let wrong: Vec<_> =
                found.lines().zip(recorded.lines()).filter(|(found, recorded)| found != recorded).collect();
            let cases = recorded.lines().count() - 1;
            let right = cases - wrong.len();
            let mut text = format!("{name}  {isa:8} {threads} threads  {right} of {cases} as recorded\n");
            for (found, expected) in &wrong {
                text += &format!("  expected  {expected}\n  found     {found}\n");
            }
            print(text)?;
            differ += wrong.len();
        }
    }
    match differ {
        0 => print(format!("sha256 {}\n", inpaint_edge::selftest::sha256(recorded.as_bytes()))),
        _ => Err(Error::new(ErrorKind::Output, format!("selftest: {differ} results are not the recorded ones"))),
    }
}
