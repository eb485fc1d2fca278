//! `inpaint-edge selftest`: the recorded digests, repeated on this machine.

use inpaint_edge::selftest::{digests, recorded};
use inpaint_edge::{Error, ErrorKind, Isa, Options, Result};

use crate::args::SelftestArgs;
use crate::engine::{named, open, weights_sha256};

pub fn run(args: &SelftestArgs) -> Result<()> {
    let weights = weights_sha256(args.weights.as_deref())?;
    let known = recorded(&weights);
    let digests_of = |isa: Option<Isa>, threads: usize| {
        let inpainter = open(args.weights.as_deref(), Options { threads, isa, ..Options::default() })?;
        let name = known.as_ref().map_or("weights", |(name, _)| name);
        Ok::<_, Error>((inpainter.isa(), digests(name, &weights, &inpainter)))
    };
    if args.digests {
        let (_, lines) = digests_of(args.isa.and_then(|isa| isa.choice()), args.threads.unwrap_or(0))?;
        return crate::print(lines.as_bytes());
    }
    let Some((name, expected)) = &known else {
        let detail = format!("weights with recorded digests expected, sha256 {weights} found");
        return Err(named(args.weights.as_deref(), Error::new(ErrorKind::Usage, detail)));
    };
    let isas: Vec<_> = match args.isa {
        Some(isa) => vec![isa.choice()],
        None => Isa::available().map(Some).collect(),
    };
    let mut differ = 0;
    for isa in isas {
        for threads in args.threads.map_or(vec![1, 2, 5], |threads| vec![threads]) {
            let (isa, found) = digests_of(isa, threads)?;
            let wrong: Vec<_> =
                found.lines().zip(expected.lines()).filter(|(found, expected)| found != expected).collect();
            let (cases, right) = (expected.lines().count() - 1, expected.lines().count() - 1 - wrong.len());
            let mut text = format!("{name}  {isa:8} {threads} threads  {right} of {cases} as recorded\n");
            for (found, expected) in &wrong {
                text += &format!("  found     {found}\n  expected  {expected}\n");
            }
            crate::print(text.as_bytes())?;
            differ += wrong.len();
        }
    }
    match differ {
        0 => crate::print(format!("sha256 {}\n", inpaint_edge::selftest::sha256(expected.as_bytes())).as_bytes()),
        _ => Err(Error::new(ErrorKind::Output, format!("selftest: {differ} results are not the recorded ones"))),
    }
}
